"""Checkpoints: damage is found and named, an earlier one takes its place, and the result is the same."""

import json

import pytest
import torch

from pipeline.training import checkpoint_files, savepoints, trainer
from pipeline.training.checkpoint import Checkpoint, pack, unpack
from pipeline.training.checkpoint_files import CheckpointFiles, remove_checkpoints
from pipeline.training.job import TrainingJob
from pipeline.training.run import TrainingRun
from pipeline.training.setback import Setback
from pipeline.training.trainer import train
from support.tiny import tiny_params, tiny_set
from support.trainings import NumberRun, assert_same, interrupted

SETBACK = Setback(7, 6, "not finite: the term mask", ("a", "b"))


@pytest.fixture(scope="module")
def job():
    params = tiny_params(training__checkpoint_every=2)
    return TrainingJob(params, tiny_set(params), 0)


@pytest.fixture
def whole(job, tmp_path, monkeypatch):
    """The result of a training of one number, as those that follow are."""
    for module in (trainer, savepoints):
        monkeypatch.setattr(module, "TrainingRun", NumberRun)
    return train(job, tmp_path / "whole")


def small(step: int) -> Checkpoint:
    weights = {"codes": torch.zeros(0, 3), "a.weight": torch.arange(3.0) + step}
    moments = {"0.exp_avg": torch.ones(3), "0.step": torch.tensor(float(step))}
    return Checkpoint(step, weights, moments, {}, [[2, 0.1 + 0.2, 12]], SETBACK, None, ("some CPU",))


def equal(a: Checkpoint, b: Checkpoint) -> bool:
    same = all(
        x.keys() == y.keys() and all(torch.equal(x[n], y[n]) for n in x)
        for x, y in ((a.model, b.model), (a.moments, b.moments), (a.average, b.average))
    )
    return same and (a.step, a.curve, a.setback, a.machines) == (b.step, b.curve, b.setback, b.machines)


def filled(folder, steps=(2, 4)) -> CheckpointFiles:
    files = CheckpointFiles(folder, "abc")
    for step in steps:
        files.save(step, pack(small(step)))
    return files


def flip(path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place // 8] ^= 1 << place % 8
    path.write_bytes(bytes(content))


def test_a_checkpoint_comes_back_as_it_was(tmp_path):
    assert equal(unpack(pack(small(4))), small(4))
    assert equal(filled(tmp_path).newest().checkpoint, small(4))


@pytest.mark.parametrize("content", [b"", b"x" * 7, b"x" * 100, (2**60).to_bytes(8, "little") + b"{}"])
def test_other_bytes_are_no_checkpoint(content):
    with pytest.raises(ValueError, match="description"):
        unpack(content)


def test_a_claim_of_terabytes_is_no_checkpoint():
    header = json.dumps({"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]}}).encode()
    with pytest.raises(ValueError, match="named tensors"):
        unpack(len(header).to_bytes(8, "little") + header)


def test_two_checkpoints_are_kept(tmp_path):
    filled(tmp_path, (2, 4, 6, 8))
    names = {f"abc-{step}.{suffix}" for step in (6, 8) for suffix in ("json", "safetensors")}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_every_flipped_bit_is_found(tmp_path):
    """In the manifest, and in the header, the description and the tensors of the checkpoint."""
    files = filled(tmp_path)
    data, manifest = tmp_path / "abc-4.safetensors", tmp_path / "abc-4.json"
    for path, every in ((manifest, 7), (data, 211)):
        for place in range(0, 8 * path.stat().st_size, every):
            flip(path, place)
            found = files.newest()
            # A flipped bit can make one space of another.
            if found.checkpoint.step != 4:
                assert (found.checkpoint.step, found.damaged) == (2, (data,)), (path, place)
            else:
                assert path == manifest and equal(found.checkpoint, small(4))
            flip(path, place)
    assert files.newest().checkpoint.step == 4


@pytest.mark.parametrize("name", ["abc-4.safetensors", "abc-4.json"])
@pytest.mark.parametrize("size", [0, 1, 50])
def test_torn_files_are_found(tmp_path, name, size):
    files = filled(tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:size])
    found = files.newest()
    assert (found.checkpoint.step, found.damaged) == (2, (tmp_path / "abc-4.safetensors",))


def test_a_manifest_of_another_checkpoint_is_found(tmp_path):
    files = filled(tmp_path)
    for suffix in ("json", "safetensors"):
        (tmp_path / f"abc-2.{suffix}").rename(tmp_path / f"abc-4.{suffix}")
    assert files.newest().checkpoint is None


@pytest.mark.parametrize("kept", [0, 1])
def test_a_writer_that_is_killed_leaves_no_damage(tmp_path, monkeypatch, kept):
    """Killed at each of the writes of a checkpoint: the one before is used, and nothing is called damaged."""
    files = filled(tmp_path)
    writers = {name: getattr(checkpoint_files, name) for name in ("write_bytes", "write_json")}
    left = [*writers][:kept]

    def limited(name):
        def write(*arguments):
            if name not in left:
                raise KeyboardInterrupt
            writers[name](*arguments)

        return write

    for name in writers:
        monkeypatch.setattr(checkpoint_files, name, limited(name))
    with pytest.raises(KeyboardInterrupt):
        files.save(6, pack(small(6)))
    found = files.newest()
    assert (found.checkpoint.step, found.damaged) == (4, ())


def test_a_removal_that_is_killed_leaves_no_damage(tmp_path, monkeypatch):
    files = filled(tmp_path / "cell")
    (tmp_path / "cell" / "failed_step.safetensors").touch()

    def killed(folder):
        (folder / "abc-4.safetensors").unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(checkpoint_files, "remove_folder", killed)
        remove_checkpoints(tmp_path / "cell")
    assert files.newest() == (None, b"", ())
    remove_checkpoints(tmp_path / "cell")
    assert not (tmp_path / "cell").exists()
    remove_checkpoints(tmp_path / "cell")


@pytest.mark.parametrize("damage", ["newest", "both"])
def test_a_training_with_damaged_checkpoints_ends_with_the_same_bytes(job, whole, tmp_path, damage, capsys):
    folder = tmp_path / "cell"
    interrupted(job, folder, 6)
    bad = [path for path in folder.glob("*.safetensors") if damage == "both" or path.stem.endswith("-4")]
    assert len(bad) == (2 if damage == "both" else 1)
    for path in bad:
        flip(path, 8 * path.stat().st_size - 1)
    capsys.readouterr()
    assert_same(train(job, folder), whole)
    told = capsys.readouterr().err
    start = 2 if damage == "newest" else 0
    assert all(f"{path}: damaged, or its manifest is. The training goes on from step {start} " in told for path in bad)
    # They were written again.
    assert CheckpointFiles(folder, job.identity()).newest().damaged == ()


def test_a_damaged_first_phase_hurts_nobody(job, whole, tmp_path, capsys):
    shared = tmp_path / "shared"
    train(job, tmp_path / "first", shared)
    data, manifest = sorted(shared.iterdir(), reverse=True)
    good = data.read_bytes(), manifest.read_bytes()
    flip(data, 777)
    capsys.readouterr()
    assert_same(train(job, tmp_path / "second", shared), whole)
    assert f"{data}: damaged, or its manifest is. The training goes on from step 0 " in capsys.readouterr().err
    # It was written again, so that the next one takes it over.
    assert (data.read_bytes(), manifest.read_bytes()) == good
    assert_same(train(job, tmp_path / "third", shared), whole)
    assert "damaged" not in capsys.readouterr().err


def test_trainings_of_one_first_phase_write_equal_bytes(job):
    contents = []
    for _ in range(2):
        run = TrainingRun(job)
        run.advance()
        contents.append(pack(run.checkpoint()))
    assert contents[0] == contents[1]
