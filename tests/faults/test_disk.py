"""Every call of the project's own file functions goes wrong once, in every way: nothing that was written is lost."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faults.disk import ERRORS, Disk, PowerCut
from pipeline.base.checksums import checked, write_checksums
from pipeline.base.exclusive import exclusive
from pipeline.base.files import remove_folder, replace_folder, write_bytes, write_json
from pipeline.labels.run import Job, Kind, label_images
from support.photographs import make_instance


def write_one(root: Path) -> None:
    write_bytes(root / "deep/er/file", b"new content")


def write_over(root: Path) -> None:
    write_bytes(root / "old", b"new content, which is longer")


def write_output(root: Path) -> None:
    """An output of a stage, written under its lock."""
    with exclusive(root / "locks" / "stage"):
        folder = root / "output"
        write_bytes(folder / "model.bin", bytes(range(200)))
        write_json(folder / "model.json", {"a": 1})
        write_checksums(folder)
        checked(folder / "model.bin")


def move_folder(root: Path) -> None:
    if not (root / "moved/a").exists():
        write_bytes(root / "work/a", b"1")
    if (root / "work").exists():
        replace_folder(root / "moved", root / "work")


def label(root: Path) -> None:
    """The label of an image, as the label stages write it."""
    kind = Kind("masks", ".json", lambda path, value: write_json(path, value), "pipeline.base.errors")
    job = Job(
        kind,
        root / "labels/masks/car",
        root / ".checkpoints/labels/masks/car",
        {"backend": "made"},
        lambda instance: [],
        lambda instances: [{"name": instance.name} for instance in instances],
        batch=1,
    )
    with exclusive(root / ".checkpoints/locks/masks-car"):
        label_images(job, [make_instance("a")])


def clear(root: Path) -> None:
    remove_folder(root / "full")


SCENARIOS = (write_one, write_over, write_output, move_folder, label, clear)


def prepare(root: Path) -> Path:
    (root / "full/deep").mkdir(parents=True)
    (root / "full/deep/file").write_bytes(b"x")
    (root / "old").write_bytes(b"old content")
    return root


def contents(root: Path) -> dict[str, bytes]:
    """Files that somebody reads; not locks, nor the work of an unfinished run."""
    found = [path for path in root.rglob("*") if path.is_file() and not {".checkpoints", "locks"} & set(path.parts)]
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is forced to the real disk, which takes most of the time."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(params=SCENARIOS, ids=lambda scenario: scenario.__name__)
def scenario(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    return request.param


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Path]:
    """New folders, each prepared alike."""
    return (prepare(tmp_path / str(number)) for number in range(100_000))


def count_calls(scenario: Callable[[Path], None], root: Path) -> tuple[int, dict[str, bytes]]:
    disk = Disk(root)
    with disk.attached():
        scenario(root)
    return disk.calls, contents(root)


def test_after_an_error_the_next_run_ends_with_the_same_bytes(scenario, places) -> None:
    calls, whole = count_calls(scenario, next(places))
    assert calls > 3
    for position in range(calls):
        # In turns where there are many calls.
        for error in ERRORS if calls < 50 else [ERRORS[position % 4]]:
            root = next(places)

            def fault(number: int, call: str, position: int = position, error: int = error) -> None:
                if number == position:
                    raise OSError(error, os.strerror(error))

            with Disk(root, fault).attached():
                try:
                    scenario(root)
                except OSError as found:
                    assert found.errno == error
                    assert found.filename is not None and str(found.filename).startswith(str(root))
                    assert not str(found.filename).endswith(".partial")
            assert {b"old content", b"new content, which is longer"} >= {contents(root)["old"]}
            scenario(root)
            assert contents(root) == whole, f"call {position}, error {error}"


def test_short_writes_are_completed(scenario, places) -> None:
    _, whole = count_calls(scenario, next(places))
    root = next(places)
    with Disk(root, lambda number, call: "short").attached():
        scenario(root)
    assert contents(root) == whole


def test_after_a_cut_of_the_power_the_next_run_ends_with_the_same_bytes(scenario, places) -> None:
    calls, whole = count_calls(scenario, next(places))
    for position in range(calls + 1):
        root = next(places)

        def fault(number: int, call: str, position: int = position) -> None:
            if number == position:
                raise PowerCut

        disk = Disk(root, fault)
        with disk.attached(), contextlib.suppress(PowerCut):
            scenario(root)
        disk.restart()
        if position == calls:
            assert contents(root) == whole, "what a run has returned from is on the disk"
        scenario(root)
        assert contents(root) == whole, f"power cut before call {position}"


def test_what_is_renamed_without_being_synced_is_lost_on_this_disk(tmp_path: Path) -> None:
    """The disk of these tests is one that would show the lack of an fsync."""
    root = prepare(tmp_path / "disk")
    disk = Disk(root)
    with disk.attached():
        (root / "torn").write_bytes(b"content")
        (root / "torn").replace(root / "old")
    disk.restart()
    assert contents(root) == {"old": b"old content", "full/deep/file": b"x"}
