"""The backend on the authors' package of Segment Anything: what it refuses, and a small network of the package."""

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.base.errors import InputError
from pipeline.labels.masks.cleaning import clean
from pipeline.labels.masks.segment_anything import SegmentAnythingMasks
from pipeline.photographs.records import Box
from support.photographs import make_instance, make_photo
from support.tiny import tiny_params

CPU = torch.device("cpu")
PARAMS = tiny_params().masks
ANY = tiny_params(masks__choice__box_overlap=0.0, masks__choice__box_share=0.0).masks
"""Every mask with a pixel fits: a random network draws no objects."""
try:
    package = importlib.import_module("segment_anything")
except (ImportError, RuntimeError, OSError) as error:
    package = None
    REASON = f"segment_anything cannot be imported ({error}): pip install -e '.[sam]'"
else:
    REASON = ""
with_package = pytest.mark.skipif(package is None, reason=REASON)


def test_missing_package_names_both_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "segment_anything", None)
    message = r"segment_anything cannot be imported.*pip install -e '\.\[sam\]'.*masks\.backend 'sam'"
    with pytest.raises(InputError, match=message):
        SegmentAnythingMasks(PARAMS, tmp_path, CPU)


def test_torchvision_that_does_not_fit_torch_names_both_ways_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "segment_anything"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "segment_anything", raising=False)
    with pytest.raises(InputError, match=r"nms does not exist.*torch and torchvision from the same index"):
        SegmentAnythingMasks(PARAMS, tmp_path, CPU)


def small(checkpoint: None = None):
    """The package's network with a narrow encoder of two blocks; its decoder has the full size."""
    return importlib.import_module("segment_anything.build_sam")._build_sam(32, 2, 2, [1], checkpoint)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkpoint of the small network under the name of a released one."""
    monkeypatch.setitem(package.sam_model_registry, "vit_b", small)
    folder = tmp_path / "tiny-segment-anything"
    folder.mkdir()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.save(small().state_dict(), folder / "sam_vit_b_01ec64.pth")
    return folder


@with_package
def test_masks_are_those_of_the_predictor_called_by_hand(folder: Path) -> None:
    photo = make_photo("a")
    beyond = photo._replace(instance=make_instance("a", box=Box(-0.5, 30.0, 60.25, 95.0)))
    labels = SegmentAnythingMasks(ANY, folder, CPU).masks([photo, beyond])
    network = small()
    network.load_state_dict(torch.load(folder / "sam_vit_b_01ec64.pth", weights_only=True))
    predictor = package.SamPredictor(network.eval())
    predictor.set_image(photo.image)
    for label, box in zip(labels, [photo.instance.box, Box(0.0, 30.0, 60.25, 90.0)], strict=True):
        masks, scores, _ = predictor.predict(box=np.array(box), multimask_output=label.candidate >= 0)
        index = max(label.candidate, 0)
        assert label.pixels.any()
        np.testing.assert_array_equal(label.pixels, clean(masks[index], box, ANY.cleaning))
        assert label.score == pytest.approx(float(scores[index]), abs=1e-5)
        assert label.pixels.shape == photo.image.shape[:2] and label.pixels.dtype == bool


@with_package
def test_best_fitting_proposal_is_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend, photo = SegmentAnythingMasks(PARAMS, folder, CPU), make_photo("a")
    asked: list[bool] = []
    whole, part = np.zeros((2, 90, 120), bool)
    whole[15:75, 20:100] = True
    part[20:30, 20:30] = True

    def predict(box: np.ndarray, multimask_output: bool) -> tuple:
        asked.append(multimask_output)
        masks = np.array(three if multimask_output else [one])
        return masks, np.linspace(0.9, 0.7, len(masks)), None

    monkeypatch.setattr(backend.predictor, "set_image", lambda image: None)
    monkeypatch.setattr(backend.predictor, "predict", predict)
    for second, candidate, score in [(whole, 1, 0.8), (part, -1, 0.9)]:
        three, one = [part, second, second], whole
        (label,) = backend.masks([photo])
        assert (label.candidate, label.score) == (candidate, pytest.approx(score))
        np.testing.assert_array_equal(label.pixels, whole)
    assert asked == [True, True, False]
    three = [part, part, one := part]
    (label,) = backend.masks([photo])
    assert not label.pixels.any() and "4 masks fits" in label.reason


@with_package
def test_strip_without_rows_for_the_network_is_refused(folder: Path) -> None:
    photo = make_photo("a")
    strip = photo._replace(image=np.zeros((1, 1025, 3), np.uint8))
    with pytest.raises(InputError, match=r"a\.png: expected .* at most 1024 times the shorter, found 1025 x 1"):
        SegmentAnythingMasks(PARAMS, folder, CPU).masks([strip])


@with_package
def test_same_photograph_gives_same_bytes(folder: Path) -> None:
    first, second = (SegmentAnythingMasks(PARAMS, folder, CPU).masks([make_photo("a")])[0] for _ in range(2))
    assert (first.pixels.tobytes(), first.score) == (second.pixels.tobytes(), second.score)


@with_package
@pytest.mark.parametrize("damage", ["truncated", "pickled code", "another network", "a weight less", "no tensors"])
def test_damaged_checkpoint_is_refused(folder: Path, damage: str) -> None:
    path = folder / "sam_vit_b_01ec64.pth"
    weights = torch.load(path, weights_only=True)
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-1000])
    elif damage == "pickled code":
        torch.save({"run": print}, path)
    elif damage == "no tensors":
        torch.save({**weights, "epoch": 3}, path)
    elif damage == "another network":
        torch.save({"weight": torch.zeros(3)}, path)
    else:
        weights.popitem()
        torch.save(weights, path)
    message = rf"{re.escape(str(path))}: expected the weights.*`semagic weights {folder.name}`"
    with pytest.raises(InputError, match=message):
        SegmentAnythingMasks(PARAMS, folder, CPU)


@with_package
@pytest.mark.parametrize("names", [[], ["sam_vit_t_1.pth"], ["sam_vit_b_1.pth", "sam_vit_h_2.pth"], ["model.pth"]])
def test_folder_without_one_checkpoint_is_refused(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(InputError, match=rf"{tmp_path}: expected one file sam_vit_h_\*\.pth.*`semagic weights"):
        SegmentAnythingMasks(PARAMS, tmp_path, CPU)
