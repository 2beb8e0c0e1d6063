"""The Orient Anything backend on a tiny checkpoint: labels, batches, determinism, and what it refuses."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.base.checksums import write_checksums
from pipeline.base.errors import InputError
from pipeline.config.label_params import OrientAnythingParams
from pipeline.labels.poses import PoseLabel, read_pose, write_pose
from pipeline.labels.poses.orient_anything.backend import OrientAnything
from pipeline.labels.poses.orient_anything.decoding import decode
from pipeline.labels.poses.orient_anything.framing import frame_object
from pipeline.labels.poses.orient_anything.network import OrientNetwork
from pipeline.photographs.photo import Photo
from support.orient_anything_tiny import TINY, random_state, write_checkpoint
from support.photographs import ellipse, make_instance, make_photo

PARAMS = OrientAnythingParams("orient-anything-v2", foreground=0.85)
CPU = torch.device("cpu")
BIAS = "ref_sampler.net2.1.bias"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    write_checkpoint(folder, random_state())
    return folder


@pytest.fixture(scope="module")
def backend(folder: Path) -> OrientAnything:
    return OrientAnything(PARAMS, folder, CPU)


def three() -> tuple[list[Photo], list[np.ndarray]]:
    """Objects of different photographs, sizes and shapes."""
    photos, masks = [], []
    for i, (height, width) in enumerate([(90, 120), (200, 50), (64, 64)]):
        image = np.random.default_rng(i).integers(0, 256, (height, width, 3)).astype(np.uint8)
        mask = np.zeros((height, width), bool)
        mask[5 : height // 2, 10 : width - 5 * i] = True
        photos.append(Photo(make_instance(str(i)), image, Path(f"{i}.png")))
        masks.append(mask)
    return photos, masks


def test_labels_are_those_of_the_framed_objects(backend):
    photos, masks = three()
    network = OrientNetwork(TINY).eval()
    network.load_state_dict(random_state())
    views = torch.stack([frame_object(*pair, 0.85, 42) for pair in zip(photos, masks, strict=True)])
    expected = decode(network(views[:, None])[:, 0].detach().numpy())
    labels = backend.poses(photos, masks)
    assert len(labels) == 3
    for i, label in enumerate(labels):
        assert isinstance(label, PoseLabel)
        assert label == tuple(part[i] for part in expected)
        assert 0 <= label.azimuth < 360 and -90 <= label.elevation <= 90 and -180 <= label.theta < 180
        assert label.symmetry in (0, 1, 2, 4)


def test_batch_equals_its_members(backend):
    photos, masks = three()
    together = backend.logits(photos, masks)
    assert together.shape == (3, 900) and together.dtype == np.float32
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert abs(together[a] - together[b]).max() > 1e-2
    for i in range(3):
        np.testing.assert_allclose(backend.logits(photos[i : i + 1], masks[i : i + 1])[0], together[i], atol=1e-5)
        assert backend.poses(photos[i : i + 1], masks[i : i + 1]) == [backend.poses(photos, masks)[i]]


def test_equal_inputs_give_equal_labels(folder, backend):
    photos, masks = three()
    again = OrientAnything(PARAMS, folder, CPU)
    np.testing.assert_array_equal(again.logits(photos, masks), backend.logits(photos, masks))
    assert again.poses(photos, masks) == backend.poses(photos, masks)


def test_no_objects_give_no_labels(backend):
    assert backend.poses([], []) == []


def test_network_sees_the_object_in_its_frame_only(folder, backend):
    photos, masks = three()
    painted = [
        photo._replace(image=np.where(mask[..., None], photo.image, np.uint8(7)))
        for photo, mask in zip(photos, masks, strict=True)
    ]
    np.testing.assert_array_equal(backend.logits(painted, masks), backend.logits(photos, masks))
    smaller = OrientAnything(OrientAnythingParams("orient-anything-v2", foreground=0.4), folder, CPU)
    assert abs(smaller.logits(photos, masks) - backend.logits(photos, masks)).max() > 1e-3


@pytest.mark.parametrize("fold", [1, 2, 4])
def test_answer_of_the_network_becomes_the_label(tmp_path, fold):
    """A checkpoint whose last layer answers the same pose for every picture."""
    state = random_state()
    state["ref_sampler.net2.1.weight"] = torch.zeros(900)
    x = torch.deg2rad(torch.arange(360.0))
    state[BIAS] = torch.full((900,), -6.0)
    state[BIAS][:360] = torch.logit(0.8 * torch.exp(2 * (torch.cos(fold * (x - x[37])) - 1)))
    state[BIAS][360 + 90 - 12], state[BIAS][540 + 180 - 5] = 1.0, 1.0
    write_checkpoint(tmp_path, state)
    (label,) = OrientAnything(PARAMS, tmp_path, CPU).poses([make_photo("a")], [ellipse()])
    assert label.azimuth % (360 / fold) == 37 % (360 / fold)
    assert label[1:] == (-12.0, -5.0, fold)
    write_pose(tmp_path / "a.json", label)
    write_checksums(tmp_path)
    assert read_pose(tmp_path / "a.json") == label


def test_empty_mask_names_its_instance(backend):
    photos, masks = three()
    with pytest.raises(InputError, match="'car/1': expected a mask that marks the object"):
        backend.poses(photos, [masks[0], np.zeros_like(masks[1]), masks[2]])


def test_every_photograph_needs_a_mask(backend):
    photos, masks = three()
    with pytest.raises(ValueError, match="shorter"):
        backend.poses(photos, masks[:2])


def test_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(InputError, match=r"demo_ckpts/rotmod_realrotaug_best\.pt: expected .* found none"):
        OrientAnything(PARAMS, tmp_path, CPU)


def test_numbers_that_are_none_are_refused(tmp_path):
    state = random_state()
    state[BIAS][5] = float("nan")
    write_checkpoint(tmp_path, state)
    with pytest.raises(InputError, match=r"a\.png: expected finite outputs of .*best\.pt, found others"):
        OrientAnything(PARAMS, tmp_path, CPU).poses([make_photo("a")], [ellipse()])


@pytest.mark.parametrize("foreground", [0.0, -0.5, 1.01, float("nan")])
def test_impossible_foreground_is_refused(folder, foreground):
    with pytest.raises(InputError, match=r"'foreground' must be in \(0, 1\]; found"):
        OrientAnything(OrientAnythingParams("orient-anything-v2", foreground), folder, CPU)


def test_sizes_come_from_the_file_beside_the_checkpoint(tmp_path):
    size = dataclasses.replace(TINY, image=28, depth=1)
    path = write_checkpoint(tmp_path, random_state(size), size)
    assert json.loads(path.with_name("config.json").read_text())["image"] == 28
    backend = OrientAnything(PARAMS, tmp_path, CPU)
    assert backend.network.size == size
    assert len(backend.poses(*three())) == 3
