"""The label stages as a whole: what they write, skip and refuse."""

import dataclasses
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest

from pipeline.base.errors import InputError
from pipeline.config.workspace import Workspace
from pipeline.labels.depth import read_depth
from pipeline.labels.depth.label import label_depth
from pipeline.labels.features import read_tokens
from pipeline.labels.masks.label import label_masks
from pipeline.labels.poses import read_pose
from pipeline.labels.poses.label import label_poses
from pipeline.photographs.image_files import read_mask
from pipeline.photographs.photo import read_photo
from pipeline.photographs.records import Box
from support.label_runs import NAMES, contents, label_all, label_features, new_table
from support.photographs import make_instance, make_photo, make_truth, store
from support.summaries import read_summary
from support.tiny import tiny_params


def test_stages_write_what_training_and_evaluation_read(run: Workspace) -> None:
    label_all(run)
    for name, split in NAMES.items():
        training = split == "train"
        assert read_mask(run.masks("car") / f"{name}.png").shape == (90, 120)
        tokens = read_tokens(run.features("dinov2", "car") / f"{name}.npz")
        assert tokens.tokens.shape == (8, 8, run.params.features.simulated.dims)
        assert (tokens.flipped is not None) == training
        assert (run.depth("car") / f"{name}.npy").exists() == training
        assert (run.poses("car") / f"{name}.json").exists() == training
    assert read_depth(run.depth("car") / "train_a.npy", 90, 120).shape == (90, 120)
    assert read_pose(run.poses("car") / "train_a.json").symmetry == 1
    assert read_summary(run.masks("car")) == ("simulated", 3, {})
    assert read_summary(run.poses("car")) == ("simulated", 2, {})


def test_same_parameters_give_same_bytes_in_any_order(run: Workspace, tmp_path: Path) -> None:
    label_all(run)
    other = tmp_path / "other"
    shutil.copytree(tmp_path / "photographs", other / "photographs")
    backwards = new_table(other, [make_instance(name, split) for name, split in reversed(NAMES.items())])
    label_all(backwards)
    assert contents(run) == contents(backwards)


def test_noise_follows_the_simulation_seed(run: Workspace) -> None:
    first = label_poses_afresh(run, 0)
    assert label_poses_afresh(run, 0) == first
    assert label_poses_afresh(run, 1) != first


def label_poses_afresh(workspace: Workspace, seed: int) -> bytes:
    workspace = dataclasses.replace(workspace, params=tiny_params(simulation__seed=seed))
    for folder in (workspace.masks("car"), workspace.poses("car")):
        shutil.rmtree(folder, ignore_errors=True)
    label_masks(workspace, "car")
    label_poses(workspace, "car")
    return (workspace.poses("car") / "train_a.json").read_bytes()


def test_labels_of_other_settings_are_replaced(run: Workspace) -> None:
    label_masks(run, "car")
    (run.masks("car") / "stale.png").touch()
    label_masks(dataclasses.replace(run, params=tiny_params(masks__backend="grabcut")), "car")
    assert read_summary(run.masks("car")).backend == "grabcut"
    assert not (run.masks("car") / "stale.png").exists()


def test_batches_do_not_change_labels_and_a_bad_image_costs_no_other(run: Workspace) -> None:
    path = run.root / "photographs/train_b.png"
    path.write_bytes(path.read_bytes()[:2000])
    found = []
    for batch in (1, 2, 8):
        params = tiny_params(pretrained__batch=batch)
        for label in (label_masks, label_depth, label_poses, label_features):
            assert list(label(dataclasses.replace(run, params=params), "car").skipped) == ["train_b"]
        found.append(contents(run))
    assert found[0] == found[1] == found[2]


def test_truncated_photograph_is_a_recorded_skip(run: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    path = run.root / "photographs/train_b.png"
    path.write_bytes(path.read_bytes()[:2000])
    for label in (label_masks, label_depth, label_features):
        summary = label(run, "car")
        assert list(summary.skipped) == ["train_b"]
        assert "train_b.png" in summary.skipped["train_b"] and "damaged" in summary.skipped["train_b"]
    assert read_summary(run.masks("car")) == label_masks(run, "car")
    assert "masks car: 2 images by 'simulated', 1 skipped, 0.0 MB" in capsys.readouterr().out
    # What has no mask has no pose either.
    assert "masks/car/train_b.png" in label_poses(run, "car").skipped["train_b"]


def test_empty_mask_is_a_recorded_skip(run: Workspace) -> None:
    store(run.root, make_photo("train_b"), make_truth()._replace(mask=np.zeros((90, 120), bool)))
    summary = label_masks(run, "car")
    assert summary.done == 2
    assert "train_b.png: the mask would be empty" in summary.skipped["train_b"]
    assert not (run.masks("car") / "train_b.png").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"box": Box(200.0, 10.0, 240.0, 40.0)}, "must overlap the image of 120 x 90"),
        ({"box": Box(30.0, 30.0, 20.0, 40.0)}, "to its right bottom one, .* -10 wide and 10 high"),
        ({"box": Box(30.0, 30.0, 40.0, 30.0)}, "10 wide and 0 high"),
        ({"box": Box(30.0, math.nan, 40.0, 50.0)}, "10 wide and nan high"),
        ({"width": 640, "height": 480}, "annotation says 640 x 480 pixels, the file 120 x 90"),
        ({"image": "photographs/absent.png"}, "absent.png: expected an image file, found none"),
    ],
)
def test_contradicting_annotation_names_file(run: Workspace, change: dict[str, object], message: str) -> None:
    instance = dataclasses.replace(make_instance("train_a"), **change)
    with pytest.raises(InputError, match=message):
        read_photo(run.root, instance)


def test_nothing_labelled_is_an_error_after_the_record_is_written(run: Workspace) -> None:
    for name in NAMES:
        (run.root / f"photographs/{name}.png").unlink()
    with pytest.raises(InputError, match=r"labels/masks/car: none of 3 images.*train_a\.png"):
        label_masks(run, "car")
    assert set(read_summary(run.masks("car")).skipped) == set(NAMES)


def test_run_without_training_images_has_no_training_labels(run: Workspace) -> None:
    evaluation = new_table(run.root, [make_instance("test_a", "test")])
    assert label_depth(evaluation, "car") == ("simulated", 0, {})
    assert label_masks(evaluation, "car").done == 1


@pytest.mark.parametrize(
    ("label", "parameter", "valid"),
    [
        (label_masks, "masks.backend", "given, grabcut, sam, segment_anything, simulated"),
        (label_depth, "depth.backend", "depth_anything, simulated, unknown"),
        (label_poses, "poses.backend", "given, orient_anything, simulated, unknown"),
        (label_features, "features.backend", "dinov2, sift, simulated"),
    ],
)
def test_unknown_backend_lists_valid_ones(run: Workspace, label, parameter: str, valid: str) -> None:
    params = tiny_params(**{parameter.replace(".", "__"): "simulatd"})
    message = rf"{parameter} names the unknown backend 'simulatd'\. Did you mean 'simulated'\? Valid: {valid}\."
    with pytest.raises(InputError, match=message):
        label(dataclasses.replace(run, params=params), "car")


def test_backends_without_truth_label_any_photograph(run: Workspace) -> None:
    for sidecar in (run.root / "photographs").glob("*.npz"):
        sidecar.unlink()
    params = tiny_params(masks__backend="grabcut", features__backend="sift")
    assert label_masks(dataclasses.replace(run, params=params), "car") == ("grabcut", 3, {})
    assert label_features(dataclasses.replace(run, params=params), "car") == ("sift", 3, {})
    assert read_tokens(run.features("dinov2", "car") / "test_a.npz").tokens.shape == (8, 8, 128)


def test_settings_are_recorded(run: Workspace) -> None:
    label_features(run, "car")
    settings = json.loads((run.features("dinov2", "car") / "settings.json").read_text())
    assert settings["backend"] == "simulated"
    assert settings["crop_margin"] == run.params.data.crop_margin
