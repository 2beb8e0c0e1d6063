"""One attempt at a stage, without a cluster: what it sees, what it leaves, and how it is stopped."""

import hashlib
import time

import pytest

from pipeline.base.inside import inside
from pipeline.cluster import attempt
from pipeline.cluster.attempt import (
    carry_out,
    link_code,
    link_data,
    link_files,
    place_of,
    progress_files,
    sums_of,
)
from pipeline.cluster.order import Order, data_of
from pipeline.cluster.packs import pack, unpack_once
from pipeline.fanout.processes import stage_environment


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "root"
    for name in ("pipeline/base/a.py", "stages/train.py", "labels/car/1.png", "labels/car/2.png", "params.yaml"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def order(*commands, inputs=("pipeline/base", "stages/train.py", "labels/car", "labels/car/1.png", "params.yaml"),
          outputs=("models/car/weights", "models/car/curve"), folder="."):  # fmt: skip
    return Order("train@car", "1", commands, folder, {"MINE": "yes"}, inputs, outputs)


HERE = stage_environment()


def always():
    return True


def test_a_stage_sees_what_it_reads_and_writes_beside_it(root, tmp_path):
    place = place_of(tmp_path / "home", "train@car", "1")
    command = "cat labels/car/2.png > models/car/weights && echo $MINE $DVC_ROOT > models/car/curve && echo out"
    wanted = order(command)
    assert data_of(wanted) == ["labels/car", "params.yaml"]
    link_code(place, root)
    link_data(place, root, wanted)
    assert (place / "pipeline" / "base" / "a.py").read_text() == "pipeline/base/a.py"
    log = tmp_path / "log"
    result = carry_out(wanted, place, log, HERE, always)
    curve = f"yes {place}\n"
    assert result.code == 0
    assert result.sums == {
        "models/car/weights": hashlib.sha256(b"labels/car/2.png").hexdigest(),
        "models/car/curve": hashlib.sha256(curve.encode()).hexdigest(),
    }
    assert result.sums == sums_of(place, wanted.outputs)
    assert not (root / "models").exists()
    assert log.read_text().endswith("\nout\n")


def test_what_was_sent_is_seen_like_what_is_shared(root, tmp_path):
    place, store = tmp_path / "place", tmp_path / "store"
    packs = list(pack(root, [root / "labels" / "car" / "1.png", root / "params.yaml"]))
    for one in packs:
        attempt_store = store / one.sha256
        attempt_store.mkdir(parents=True)
        for name in one.names:
            (attempt_store / name).parent.mkdir(parents=True, exist_ok=True)
            (attempt_store / name).write_bytes((root / name).read_bytes())
    link_files(place, store, ((one.sha256, one.names) for one in packs))
    link_files(place, store, ((one.sha256, one.names) for one in packs))
    assert (place / "labels" / "car" / "1.png").read_text() == "labels/car/1.png"
    assert (place / "params.yaml").read_text() == "params.yaml"


def test_readers_of_a_data_set_find_no_link_that_leads_out_of_it(root, tmp_path):
    release, names = "data/release", ("Images", "car", "1.jpg")
    photograph = root.joinpath(release, *names)
    photograph.parent.mkdir(parents=True)
    photograph.write_text("photograph")
    shared, sent = tmp_path / "shared", tmp_path / "sent"
    wanted = order("true", inputs=(f"{release}/Images/car",))._replace(releases=(release,))
    link_data(shared, root, wanted)
    (one,) = pack(root, [photograph])
    unpack_once(one, tmp_path / "store")
    link_files(sent, tmp_path / "store", [(one.sha256, one.names)])
    for place in (shared, sent):
        assert inside(place / release, *names).read_text() == "photograph"


def test_a_command_that_fails_has_no_outputs(tmp_path):
    assert carry_out(order("echo 1 > models/car/weights", "exit 3"), tmp_path, tmp_path / "log", HERE, always) == (
        3,
        {},
    )


def test_an_attempt_that_is_not_wanted_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(attempt, "INTERVAL", 0.1)
    begin = time.monotonic()
    result = carry_out(order("sleep 600"), tmp_path, tmp_path / "log", HERE, lambda: time.monotonic() < begin + 0.5)
    assert result.code != 0 and time.monotonic() < begin + 60


def test_an_interruption_ends_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr(attempt, "INTERVAL", 0.1)

    def interrupted():
        if (tmp_path / "begun").exists():
            raise KeyboardInterrupt
        return True

    with pytest.raises(KeyboardInterrupt):
        carry_out(order("touch begun; sleep 600; touch ended"), tmp_path, tmp_path / "log", HERE, interrupted)
    assert not (tmp_path / "ended").exists()


def test_progress_is_what_a_stage_goes_on_from(tmp_path):
    for name in ("ours/car/0/1.safetensors", "locks/train", "first_phase/1.safetensors", "labels/masks/car/1.png"):
        (tmp_path / ".checkpoints" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / ".checkpoints" / name).touch()
    names = [path.relative_to(tmp_path / ".checkpoints").as_posix() for path in progress_files(tmp_path)]
    assert names == ["labels/masks/car/1.png", "ours/car/0/1.safetensors"]
