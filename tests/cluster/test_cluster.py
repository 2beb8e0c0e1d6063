"""`semagic run --ray` on a small DVC repository and a cluster of processes: the same as without."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from cluster.machines import Machines, run_command, start, wait_for, workers_at
from pipeline.base.yaml_edits import edited
from pipeline.base.yaml_text import parse_yaml, to_yaml
from support.dvc_repository import init_repository
from support.paths import ROOT

pytest.importorskip("ray")

STAGES = {
    "folder": {"cmd": "mkdir made\ncp seed made/a\necho b > made/b", "deps": ["seed"], "outs": ["made"]},
    "cell": {
        "matrix": {"one": ["x", "y"]},
        "cmd": "test ${item.one} = x || test ! -e broken && cat made/a made/b > cell.${item.one}",
        "deps": ["made", "switch"],
        "outs": ["cell.${item.one}"],
    },
    "kept": {"cmd": "echo . >> log", "deps": ["made"], "outs": [{"log": {"persist": True}}]},
    "last": {"cmd": "cat cell.x cell.y > last; echo printed", "deps": ["cell.x", "cell.y"], "outs": ["last"]},
}


@pytest.fixture(scope="module")
def machines():
    with Machines(2) as machines:
        yield machines


@pytest.fixture
def toy(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    init_repository(tmp_path)
    Path("seed").write_text("1\n")
    Path("switch").write_text("0\n")
    Path("dvc.yaml").write_text(to_yaml({"stages": STAGES}))

    def fewer(params):
        params["resources"]["retries"] = 1

    Path("params.yaml").write_text(edited((ROOT / "params.yaml").read_text(), fewer, "params.yaml"))
    return tmp_path


def environment():
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": paths, "DVC_NO_ANALYTICS": "1"}


def run(machines, *options):
    command = run_command(machines.address, *options)
    return subprocess.run(command, env=environment(), check=False, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("shared", [True, False])
def test_a_repository_from_end_to_end(machines, toy, tmp_path_factory, shared):
    options = () if shared else ("--scratch", str(tmp_path_factory.mktemp("scratch")))
    # Only what DVC knows of reaches a worker.
    Path("dvc.yaml").write_text(Path("dvc.yaml").read_text().replace("- switch", "- switch\n    - broken"))
    Path("broken").write_text("\n")
    failed = run(machines, *options)
    assert failed.returncode == 1, failed.stdout + failed.stderr
    assert "5 to go, 2 at once." in failed.stdout
    assert "3 stages done; 1 failed: cell@y; 1 skipped, which need a failed one: last." in failed.stdout
    assert "exited with 1" in failed.stdout

    Path("dvc.yaml").write_text(to_yaml({"stages": STAGES}))
    done = run(machines, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert Path("last").read_text() == "1\nb\n1\nb\n"
    assert Path("log").read_text() == ".\n"
    assert Path(".dvc/tmp/fanout/last.log").read_text().splitlines().count("printed") == 1
    assert not any(path.is_file() for path in Path(".dvc/tmp/cluster").rglob("*"))
    assert set(parse_yaml(Path("dvc.lock").read_text())["stages"]) == {"folder", "cell@x", "cell@y", "kept", "last"}
    status = subprocess.run([sys.executable, "-m", "dvc", "status", "--json"], check=True, capture_output=True)
    assert status.stdout.strip() == b"{}"
    assert run(machines, *options).stdout == "All 5 stages are up to date.\n"


def test_what_no_machine_has_is_refused_at_once(machines, toy):
    def greedy(params):
        params["resources"]["stages"]["train"]["gpus"] = 8
        params["resources"]["default"]["cores"] = 64

    Path("params.yaml").write_text(edited(Path("params.yaml").read_text(), greedy, "params.yaml"))
    began = time.monotonic()
    done = run(machines)
    assert done.returncode == 1 and "no machine of the cluster has" in done.stderr and "64 cores" in done.stderr
    assert time.monotonic() - began < 60
    assert not Path("dvc.lock").exists()


def test_a_scratch_folder_that_cannot_be_written_is_named(machines, toy):
    Path("file").touch()
    done = run(machines, "--scratch", str(toy / "file"), "folder")
    assert done.returncode == 1
    assert "Free space in" in done.stdout and "--scratch" in done.stdout
    assert "2 attempts were lost" in done.stdout


@pytest.fixture
def small(tmp_path):
    """A disk of 300 kB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", folder], check=False).returncode:
        pytest.skip("needs the right to mount a disk")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_scratch_disk_is_named(machines, toy, small):
    Path("seed").write_bytes(bytes(2**20))
    done = run(machines, "--scratch", str(small), "folder")
    assert done.returncode == 1
    assert "No space left on device on the machine" in done.stdout and f"Free space in {small}" in done.stdout
    # The command itself fills the disk.
    Path("dvc.yaml").write_text(to_yaml({"stages": {"fills": {"cmd": "head -c 1M /dev/zero > out", "outs": ["out"]}}}))
    done = run(machines, "--scratch", str(small))
    assert done.returncode == 1 and "No space left on device" in done.stdout
    assert not Path("out").exists()


def test_a_signal_ends_what_runs_on_other_machines(machines, toy):
    Path("dvc.yaml").write_text(
        to_yaml({"stages": {"long": {"cmd": f"touch {toy}/begun; sleep 600", "outs": ["out"]}}})
    )
    process = start(machines.address, toy, environment())
    assert wait_for(lambda: (toy / "begun").exists())
    os.kill(process.pid, signal.SIGTERM)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 130, output
    asleep = ["pgrep", "--full", "--exact", "sleep 600"]
    assert wait_for(lambda: subprocess.run(asleep, check=False, stdout=subprocess.DEVNULL).returncode)


def test_a_mailbox_that_dies_costs_nothing(machines, toy, tmp_path_factory):
    command = f"touch {toy}/begun; sleep 8; echo 1 > out; echo printed"
    Path("dvc.yaml").write_text(to_yaml({"stages": {"long": {"cmd": command, "outs": ["out"]}}}))
    process = start(machines.address, toy, environment(), "--scratch", str(tmp_path_factory.mktemp("scratch")))
    assert wait_for((toy / "begun").exists)
    boxes = [one for one in psutil.process_iter(["cmdline"]) if "ray::Mailbox" in " ".join(one.info["cmdline"] or [])]
    assert boxes
    for box in boxes:
        box.kill()
    output = process.communicate(timeout=120)[0]
    log = Path(".dvc/tmp/fanout/long.log").read_text()
    assert process.returncode == 0 and "lost" not in log and "printed" in log, output + log


def test_a_command_that_is_killed_as_when_memory_runs_out_is_tried_again(machines, toy):
    command = f"test -e {toy}/once || {{ touch {toy}/once; kill -9 $$; }}; echo 1 > out"
    Path("dvc.yaml").write_text(to_yaml({"stages": {"killed": {"cmd": command, "outs": ["out"]}}}))
    done = run(machines)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "A signal has ended the command" in Path(".dvc/tmp/fanout/killed.log").read_text()
    assert Path("out").read_text() == "1\n"


def test_cells_of_half_a_gpu_see_one_together(toy):
    def halves(params):
        params["resources"]["default"]["gpus"] = 0.5

    Path("params.yaml").write_text(edited(Path("params.yaml").read_text(), halves, "params.yaml"))
    stage = {
        "matrix": {"one": [1, 2, 3, 4]},
        "cmd": "sleep 3; echo $CUDA_VISIBLE_DEVICES > gpu.${item.one}",
        "outs": ["gpu.${item.one}"],
    }
    Path("dvc.yaml").write_text(to_yaml({"stages": {"cell": stage}}))
    # Ray is told of GPUs that are not there.
    with Machines(1, cores=8, num_gpus=2) as machines:
        done = run(machines)
    assert done.returncode == 0 and "4 to go, 4 at once." in done.stdout, done.stdout + done.stderr
    assert sorted(Path(f"gpu.{one}").read_text().strip() for one in (1, 2, 3, 4)) == ["0", "0", "1", "1"]


SIZE = 300_000_000
"""Bytes of an output, whose sums take long enough to be met in them."""


def large(toy, number):
    """A stage with a large output, which leaves a file beside the repository when its command ends."""
    command = f"head -c {SIZE} /dev/zero > large; echo {number} >> large; touch {toy}/ended"
    stage = {"matrix": {"one": [1]}, "cmd": command, "outs": ["large"]}
    Path("dvc.yaml").write_text(to_yaml({"stages": {"large": stage}}))
    return hashlib.sha256(bytes(SIZE) + f"{number}\n".encode()).hexdigest()


def assert_recorded(expected):
    with Path("large").open("rb") as stream:
        assert hashlib.file_digest(stream, "sha256").hexdigest() == expected
    status = subprocess.run([sys.executable, "-m", "dvc", "status", "--json"], check=True, capture_output=True)
    assert status.stdout.strip() == b"{}"


@pytest.mark.parametrize("shared", [True, False])
def test_a_worker_that_dies_while_it_hands_back_is_replaced(machines, toy, tmp_path_factory, shared):
    options = () if shared else ("--scratch", str(tmp_path_factory.mktemp("scratch")))
    expected = large(toy, 1)
    process = start(machines.address, toy, environment(), *options)
    assert wait_for((toy / "ended").exists)
    (worker,) = workers_at("large")
    worker.kill()
    output = process.communicate(timeout=120)[0]
    assert process.returncode == 0, output
    assert "The attempt was lost" in Path(".dvc/tmp/fanout/large@1.log").read_text()
    assert_recorded(expected)


@pytest.mark.parametrize("shared", [True, False])
def test_a_head_that_dies_while_it_records_goes_on_afterwards(machines, toy, tmp_path_factory, shared):
    options = () if shared else ("--scratch", str(tmp_path_factory.mktemp("scratch")))
    expected = large(toy, 2)
    process = start(machines.address, toy, environment(), *options)
    assert wait_for((toy / "large").exists)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not Path("dvc.lock").exists()
    done = run(machines, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_recorded(expected)
