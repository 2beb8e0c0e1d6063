"""The label stages as a whole: what they write, skip, keep and refuse."""

import dataclasses
import errno
import json
import math
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from pipeline.base.checksums import write_checksums
from pipeline.base.errors import InputError
from pipeline.config.params import Params
from pipeline.config.workspace import Workspace
from pipeline.labels.components.masked_tokens import foreground_tokens
from pipeline.labels.components.pca import fit_pca, read_pca
from pipeline.labels.depth import read_depth
from pipeline.labels.depth.label import label_depth
from pipeline.labels.features import label as features_label
from pipeline.labels.features import read_tokens
from pipeline.labels.masks.label import label_masks
from pipeline.labels.masks.simulated import SimulatedMasks
from pipeline.labels.poses import read_pose
from pipeline.labels.poses.label import label_poses
from pipeline.labels.run import Summary
from pipeline.photographs.image_files import read_mask
from pipeline.photographs.lists import write_instances
from pipeline.photographs.photo import Photo, read_photo
from pipeline.photographs.records import Box, Instance
from stages import pca as pca_stage
from stages.arguments import run_stage
from support.paths import ROOT
from support.photographs import make_instance, make_photo, make_truth, store
from support.summaries import read_summary
from support.tiny import tiny_params

NAMES = {"train_a": "train", "train_b": "train", "test_a": "test"}


@pytest.fixture
def run(tmp_path: Path) -> Workspace:
    """A run of three images: two for training, one for evaluation."""
    for name, split in NAMES.items():
        store(tmp_path, make_photo(name, split), make_truth())
    return new_table(tmp_path, [make_instance(name, split) for name, split in NAMES.items()])


def new_table(root: Path, instances: list[Instance], params: Params | None = None) -> Workspace:
    workspace = Workspace(root, params or tiny_params())
    write_instances(workspace.instances("car"), instances)
    write_checksums(workspace.instances("car").parent)
    return workspace


def label_features(workspace: Workspace, category: str) -> Summary:
    return features_label.label_features(workspace, "dinov2", category)


def label_all(workspace: Workspace) -> None:
    for label in (label_masks, label_depth, label_poses, label_features):
        label(workspace, "car")


def contents(workspace: Workspace) -> dict[str, bytes]:
    folders = [workspace.root / "labels", workspace.root / "features"]
    return {str(path.relative_to(workspace.root)): path.read_bytes() for f in folders for path in f.rglob("*.*")}


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


class Killed(BaseException):
    """In place of a signal."""


def kill_at(monkeypatch: pytest.MonkeyPatch, name: str) -> list[str]:
    """Make the benchmark's masks end the process at the image `name`; returns the images that reach the backend."""
    asked: list[str] = []
    mask = SimulatedMasks.mask

    def dying(self: SimulatedMasks, photo: Photo) -> np.ndarray:
        asked.append(photo.instance.name)
        if photo.instance.name == name:
            raise Killed
        return mask(self, photo)

    monkeypatch.setattr(SimulatedMasks, "mask", dying)
    return asked


def whole_and_killed(run: Workspace, monkeypatch: pytest.MonkeyPatch, name: str) -> dict[str, bytes]:
    """Label all masks; then again from nothing, until the process ends at the image `name`. The first time's bytes."""
    label_masks(run, "car")
    whole = contents(run)
    shutil.rmtree(run.masks("car"))
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_at(patch, name)
        label_masks(run, "car")
    return whole


def test_an_interrupted_run_continues_and_ends_with_the_same_bytes(
    run: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = dataclasses.replace(run, params=tiny_params(pretrained__batch=1))
    whole = whole_and_killed(run, monkeypatch, "train_b")
    assert not run.masks("car").exists(), "nothing unfinished is taken for whole"
    with monkeypatch.context() as patch:
        asked = kill_at(patch, "none")
        assert label_masks(run, "car").done == 3
    assert asked == ["train_b", "test_a"]
    assert contents(run) == whole
    assert not run.unfinished(run.masks("car")).exists()


@pytest.mark.parametrize("what", ["settings", "photograph", "truth", "box", "code"])
def test_an_interrupted_run_of_something_else_is_not_continued(
    run: Workspace, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    params = tiny_params(pretrained__batch=1)
    with monkeypatch.context() as patch, pytest.raises(Killed):
        kill_at(patch, "test_a")
        label_masks(dataclasses.replace(run, params=params), "car")
    if what == "settings":
        params = tiny_params(pretrained__batch=1, masks__simulated__boundary_std=3.0)
    elif what == "photograph":
        photo = make_photo("train_a")
        store(run.root, photo._replace(image=photo.image[::-1].copy()), make_truth())
    elif what == "truth":
        store(run.root, make_photo("train_a"), make_truth(depth=7.0))
    elif what == "code":
        monkeypatch.setattr("pipeline.labels.run.source_sha256", lambda module: f"other code of {module}")
    else:
        box = Box(21.0, 15.0, 100.0, 75.0)
        new_table(run.root, [make_instance(name, split, box) for name, split in NAMES.items()])
    with monkeypatch.context() as patch:
        asked = kill_at(patch, "none")
        label_masks(dataclasses.replace(run, params=params), "car")
    assert asked == list(NAMES)


def test_a_full_disk_is_one_message_and_leaves_nothing_for_whole(
    run: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    params = tiny_params(pretrained__batch=1)
    sync = os.fsync

    def full(descriptor: int) -> None:
        if "train_b" in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    with monkeypatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(os, "fsync", full)
        run_stage(lambda: label_masks(dataclasses.replace(run, params=params), "car"))
    assert ended.value.code == 1
    message = capsys.readouterr().err
    assert "No space left on device" in message and "Free some space and run this again" in message
    assert not run.masks("car").exists()
    kept = [path.name for path in run.unfinished(run.masks("car")).rglob("*.p*")]
    assert kept == ["train_a.png"]
    assert label_masks(dataclasses.replace(run, params=params), "car").done == 3


def test_an_unfinished_label_that_was_damaged_is_made_again(run: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run = dataclasses.replace(run, params=tiny_params(pretrained__batch=1))
    whole = whole_and_killed(run, monkeypatch, "test_a")
    (damaged,) = run.unfinished(run.masks("car")).rglob("train_a.png")
    content = bytearray(damaged.read_bytes())
    content[-5] ^= 1
    damaged.write_bytes(content)
    with monkeypatch.context() as patch:
        asked = kill_at(patch, "none")
        label_masks(run, "car")
    assert asked == ["train_a", "test_a"]
    assert contents(run) == whole


def fail_at(monkeypatch: pytest.MonkeyPatch, names: set[str]) -> None:
    """Make the benchmark's masks fail with an error of a library at some images."""
    mask = SimulatedMasks.mask

    def failing(self: SimulatedMasks, photo: Photo) -> np.ndarray:
        if photo.instance.name in names:
            raise RuntimeError("shapes do not match")
        return mask(self, photo)

    monkeypatch.setattr(SimulatedMasks, "mask", failing)


def test_an_unexpected_error_of_a_library_costs_one_image(run: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_at(monkeypatch, {"train_b"})
    summary = label_masks(run, "car")
    assert summary.done == 2
    assert summary.skipped == {"train_b": "photographs/train_b.png: an unexpected RuntimeError: shapes do not match"}


def test_unexpected_errors_in_a_row_end_the_run_and_keep_what_is_finished(
    run: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    instances = [make_instance(name) for name in "abcde"]
    for name in "abcde":
        store(run.root, make_photo(name), make_truth())
    many = new_table(run.root, instances, tiny_params(pretrained__batch=2))
    with (
        monkeypatch.context() as patch,
        pytest.raises(InputError, match=r"b, c, d failed one after another.*shapes do"),
    ):
        fail_at(patch, {"b", "c", "d"})
        label_masks(many, "car")
    assert not many.masks("car").exists()
    assert label_masks(many, "car").done == 5


def test_labels_may_lie_on_another_file_system(run: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a folder cannot be renamed to another place, it is copied."""
    label_masks(run, "car")
    whole = contents(run)
    rename = os.rename

    def within(source: Path, target: Path, **options: object) -> None:
        if ".checkpoints" in str(source) and ".checkpoints" not in str(target):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target, **options)

    monkeypatch.setattr(os, "rename", within)
    label_masks(run, "car")
    assert contents(run) == whole
    assert not run.unfinished(run.masks("car")).exists()


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


def test_foreground_tokens_are_training_tokens_on_masks(run: Workspace) -> None:
    label_masks(run, "car")
    label_features(run, "car")
    tokens = foreground_tokens(run, "dinov2", "car")
    both = np.concatenate(
        [read_tokens(run.features("dinov2", "car") / f"{n}.npz").tokens for n in ("train_a", "train_b")]
    )
    everything = {row.tobytes() for row in both.reshape(-1, both.shape[-1])}
    assert {row.tobytes() for row in tokens} <= everything
    # The ellipse covers pi / 4 of a box of 80 x 60 in a crop of 96 x 96.
    assert len(tokens) / len(everything) == pytest.approx(np.pi / 4 * 80 * 60 / 96**2, abs=0.08)
    (run.masks("car") / "train_b.png").unlink()
    write_checksums(run.masks("car"))
    assert len(foreground_tokens(run, "dinov2", "car")) == pytest.approx(len(tokens) / 2, abs=6)
    (run.masks("car") / "train_a.png").unlink()
    write_checksums(run.masks("car"))
    with pytest.raises(InputError, match="no training patch.*foreground_share"):
        foreground_tokens(run, "dinov2", "car")


def test_pca_stage_writes_fit_of_foreground(run: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ROOT / "params.yaml", run.root)
    params = (run.root / "params.yaml").read_text()
    (run.root / "params.yaml").write_text(params.replace("  grid: 32", "  grid: 8"))
    monkeypatch.setattr("sys.argv", ["pca", "--category", "car", "--root", str(run.root)])
    label_masks(run, "car")
    label_features(run, "car")
    pca_stage.main()
    expected = fit_pca(foreground_tokens(run, "dinov2", "car"), 16)
    np.testing.assert_array_equal(read_pca(run.pca("dinov2", "car")).components, expected.components)


def test_settings_are_recorded(run: Workspace) -> None:
    label_features(run, "car")
    settings = json.loads((run.features("dinov2", "car") / "settings.json").read_text())
    assert settings["backend"] == "simulated"
    assert settings["crop_margin"] == run.params.data.crop_margin
