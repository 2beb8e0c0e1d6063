"""What is finished of a label stage is kept: after a kill, on a full disk, beside errors of a library."""

import dataclasses
import errno
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from pipeline.base.errors import InputError
from pipeline.config.workspace import Workspace
from pipeline.labels.masks.label import label_masks
from pipeline.labels.masks.simulated import SimulatedMasks
from pipeline.photographs.photo import Photo
from pipeline.photographs.records import Box
from stages.arguments import run_stage
from support.label_runs import NAMES, contents, new_table
from support.photographs import make_instance, make_photo, make_truth, store
from support.tiny import tiny_params


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
