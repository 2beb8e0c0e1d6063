"""The file of a failed step: it gives the same numbers elsewhere, and nothing else passes for it."""

import hashlib

import pytest
import torch

from pipeline.base.errors import InputError
from pipeline.training.device import configure_torch
from pipeline.training.failed_step import describe_step, read_failed_step, write_failed_step
from pipeline.training.job import CPU, TrainingJob
from pipeline.training.replay import replay
from pipeline.training.run import TrainingRun
from pipeline.training.state_bytes import State, pack_state, unpack_state
from support.command_line import semagic
from support.tiny import tiny_params, tiny_set


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A file, and the numbers that the training computes in its step."""
    params = tiny_params(training__deform_from=0.0, training__pose_batch=2)
    data = tiny_set(params, count=9)
    configure_torch(CPU, params.training)
    run = TrainingRun(TrainingJob(params, data, 3))
    run.advance()
    path = tmp_path_factory.mktemp("failed") / "failed_step.safetensors"
    write_failed_step(path, describe_step(run))
    return path, run.draws(), run.evaluate(run.draws())


@pytest.fixture(autouse=True, scope="module")
def settings_of_torch():
    yield
    torch.use_deterministic_algorithms(False)


def rewritten(path, folder, change):
    """A file with a fitting SHA-256, made of the parts of another."""
    tensors, description = unpack_state(path.read_bytes())
    change(tensors, description)
    copy = folder / "changed.safetensors"
    content = pack_state(State(tensors, {**description, "sha256": "0" * 64}))
    copy.write_bytes(content.replace(b"0" * 64, hashlib.sha256(content).hexdigest().encode(), 1))
    return copy


def test_a_step_is_the_same_elsewhere(written):
    path, draws, expected = written
    failed, evaluated, reason = replay(path)
    assert not reason and failed.step == 1 and failed.seed == 3
    # Only the images that the step sees are in the file.
    assert set(failed.data.names) == {f"image_{i}" for draw in draws for i in draw.index}
    assert torch.equal(torch.stack(evaluated.terms), torch.stack(expected.terms))
    assert {n: float(v) for n, v in evaluated.norms.items()} == {n: float(v) for n, v in expected.norms.items()}


def test_the_command_prints_every_number(written):
    path, _, expected = written
    done = semagic("replay", str(path))
    assert done.exit_code == 0 and done.stdout.startswith("Step 1 of the training with seed 3, on the images image_")
    for name, value in {**expected.terms._asdict(), "total": expected.total}.items():
        assert any(line.split() == [name, f"{float(value):.6g}"] for line in done.stdout.splitlines()), name
    assert "gradient of codes" in done.stdout and done.stdout.endswith("The step is a good one here.\n")


def test_the_command_says_what_is_not_finite(written, tmp_path):
    def spoil(tensors, description):
        tensors["data"]["distance"].fill_(torch.nan)

    done = semagic("replay", str(rewritten(written[0], tmp_path, spoil)))
    assert done.exit_code == 0 and "The step fails again: not finite: the term distance.\n" in done.stdout
    assert ["distance", "nan"] in [line.split() for line in done.stdout.splitlines()]


def test_the_command_says_that_there_is_no_template(written, tmp_path):
    def vanish(tensors, description):
        for name in [name for name in tensors["model"] if name.startswith("frozen")]:
            del tensors["model"][name]
        tensors["model"]["codes"] = tensors["model"]["codes"][:0]
        tensors["model"]["changing.distance.correction.input.bias"] += 100.0
        tensors["model"]["changing.distance.correction.output.weight"] -= 100.0

    done = semagic("replay", str(rewritten(written[0], tmp_path, vanish)))
    assert done.exit_code == 0 and "The step fails again: the template has vanished" in done.stdout


def test_every_flipped_bit_is_found(written, tmp_path):
    content, copy = written[0].read_bytes(), tmp_path / "flipped.safetensors"
    places = [*range(0, 64, 5), *range(64, 8 * len(content), 8 * len(content) // 40)]
    for place in places:
        changed = bytearray(content)
        changed[place // 8] ^= 1 << place % 8
        copy.write_bytes(bytes(changed))
        with pytest.raises(InputError, match="flipped.safetensors"):
            read_failed_step(copy)


@pytest.mark.parametrize("size", [0, 7, 300])
def test_a_torn_file_is_found(written, tmp_path, size):
    (tmp_path / "torn.safetensors").write_bytes(written[0].read_bytes()[:size])
    with pytest.raises(InputError, match="torn.safetensors: expected the file of a failed training step"):
        read_failed_step(tmp_path / "torn.safetensors")


def test_a_huge_file_is_refused_unread(tmp_path):
    with (tmp_path / "huge.safetensors").open("wb") as stream:
        stream.truncate(2**40)
    with pytest.raises(InputError, match=r"huge\.safetensors: .* more than \d+ bytes"):
        read_failed_step(tmp_path / "huge.safetensors")


def test_a_missing_file_is_named(tmp_path):
    done = semagic("replay", str(tmp_path / "none"))
    assert done.exit_code == 1 and "none: expected the file of a failed training step" in done.stderr


def set_draw(value):
    def change(tensors, description):
        tensors["draws"]["batch.index"] = torch.tensor(value)

    return change


def set_column(name, value):
    def change(tensors, description):
        tensors["data"][name] = value

    return change


def describe(**entries):
    return lambda tensors, description: description.update(entries)


@pytest.mark.parametrize(
    "change",
    [
        set_draw([0, 99]),
        set_draw([0, -1]),
        set_draw([0]),
        set_draw([]),
        set_draw([0.0, 1.0]),
        set_column("mask", torch.zeros(2, 3, 3)),
        set_column("tokens", torch.zeros(1, 2, 8, 8, 6)),
        set_column("fold", torch.zeros(4)),
        lambda tensors, description: tensors["data"].pop("rgb"),
        lambda tensors, description: tensors.pop("draws"),
        describe(images=["only"]),
        describe(images=7),
        describe(seed="a"),
        describe(step=10**400),
        describe(images=[1, 2, [3]]),
        describe(params=None),
        describe(params={"loss": {}}),
        lambda tensors, description: description.pop("step"),
    ],
)
def test_a_file_that_someone_made_up_is_refused(written, tmp_path, change):
    with pytest.raises(InputError, match="changed.safetensors"):
        read_failed_step(rewritten(written[0], tmp_path, change))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("frozen.faces", 10**6),
        ("frozen.mirror", 10**6),
    ],
)
def test_indices_out_of_range_are_refused(written, tmp_path, name, value):
    def change(tensors, description):
        tensors["model"][name].fill_(value)

    with pytest.raises(InputError, match="changed.safetensors: .* that fit together"):
        replay(rewritten(written[0], tmp_path, change))
