"""`semagic run` on a small DVC repository: what runs, what fails, what is skipped, and how it is stopped."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.base.errors import InputError
from pipeline.base.yaml_text import parse_yaml, to_yaml
from pipeline.fanout.gpus import Gpus
from pipeline.fanout.plan import make_plan
from pipeline.fanout.run import on_this_machine, run_stages
from support.command_line import semagic
from support.dvc_repository import init_repository
from support.paths import ROOT

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")
"""DVC's use of pygtrie."""


def stage(cmd, deps, outs):
    return {"cmd": cmd, "deps": deps, "outs": outs}


STAGES = {
    "data": stage("cp seed data", ["seed"], ["data"]),
    "label": {"matrix": {"cell": ["a", "b"]}, **stage("cp data label.${item.cell}", ["data"], ["label.${item.cell}"])},
    "train": {
        "matrix": {"cell": ["a", "b"]},
        **stage(
            "test ${item.cell} = a || test ! -e broken && cat label.${item.cell} > train.${item.cell}",
            ["label.${item.cell}"],
            ["train.${item.cell}"],
        ),
    },
    "report": stage("cat train.a train.b > report", ["train.a", "train.b"], ["report"]),
    "aside": stage("touch running && while test -e hold; do sleep 0.05; done; cp seed aside", ["seed"], ["aside"]),
    "gpu": {**stage("echo $CUDA_VISIBLE_DEVICES > gpu", ["seed"], ["gpu"])},
}


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A repository of 8 stages, none of which has run."""
    monkeypatch.chdir(tmp_path)
    init_repository(tmp_path)
    Path("seed").write_text("1\n")
    Path("dvc.yaml").write_text(to_yaml({"stages": STAGES}))
    return tmp_path


def test_a_repository_from_end_to_end(toy):
    Path("broken").touch()
    failed = semagic("run", "-j", 3, "--gpus", "4")
    assert failed.exit_code == 1
    assert "6 stages done; 1 failed: train@b; 1 skipped, which need a failed one: report." in failed.stdout
    assert "failed to run: test b" in failed.stdout
    assert "[8/8]" not in failed.stdout and "[7/8] " in failed.stdout
    assert Path("gpu").read_text() == "4\n"
    assert make_plan().needs == {"train@b": (), "report": ("train@b",)}
    assert make_plan(["train"]).needs == {"train@b": ()}

    Path("broken").unlink()
    done = semagic("run")
    assert done.exit_code == 0
    assert "6 stages are up to date; 2 to go" in done.stdout
    assert Path("report").read_text() == "1\n1\n"
    names = {"data", "label@a", "label@b", "train@a", "train@b", "report", "aside", "gpu"}
    assert set(parse_yaml(Path("dvc.lock").read_text())["stages"]) == names
    assert {path.name for path in Path(".dvc/tmp/fanout").iterdir()} == {f"{name}.log" for name in names}
    status = subprocess.run([sys.executable, "-m", "dvc", "status", "--json"], check=True, capture_output=True)
    assert status.stdout.strip() == b"{}"
    again = semagic("run")
    assert (again.exit_code, again.stdout) == (0, "All 8 stages are up to date.\n")


def test_only_the_targets_run_and_what_they_need(toy):
    assert semagic("run", "label@b").exit_code == 0
    assert set(parse_yaml(Path("dvc.lock").read_text())["stages"]) == {"data", "label@b"}


def test_an_unknown_target_is_one_line(toy):
    done = semagic("run", "trian")
    assert done.exit_code == 1 and "trian" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    with pytest.raises(InputError, match="trian"):
        run_stages(["trian"], 1, on_this_machine(Gpus(())))


def test_termination_ends_the_stages_and_the_next_run_goes_on(toy):
    hold = Path("hold")
    hold.touch()
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths}
    arguments = [sys.executable, "-m", "semagic", "run", "-j", "1", "aside"]
    process = subprocess.Popen(arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 60
        while not Path("running").exists():
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.02)
        process.terminate()
        assert process.communicate(timeout=60)[1] == b"Interrupted; run it again to go on.\n"
    finally:
        process.kill()
        hold.unlink()
    assert process.returncode == 130
    # A stage that lived on would now go on to write its output.
    time.sleep(0.3)
    assert not Path("aside").exists()
    assert semagic("run", "aside").exit_code == 0
    assert Path("aside").read_text() == "1\n"


@pytest.mark.parametrize("jobs", ["0", "-1", "many"])
def test_number_of_jobs_is_checked(jobs):
    done = semagic("run", f"--jobs={jobs}")
    assert done.exit_code == 2 and "--jobs" in done.stderr


def test_names_of_gpus_are_checked():
    done = semagic("run", "--gpus", "0,,1")
    assert done.exit_code == 2 and "'0,,1'" in done.stderr


def test_no_repository_is_an_error(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = semagic("run")
    assert done.exit_code == 1 and done.stderr.startswith("error: ")


PART = "schema: '2.0'\nstages:\n  data:\n    cmd: 'cp se"


@pytest.mark.parametrize(
    ("part", "copy"), [("", "whole"), ("schema: '2.0'\nsta", "whole"), (PART, "whole"), (PART, "part"), (PART, "none")]
)
def test_parts_of_dvcs_own_files_are_mended(toy, part, copy):
    """Stages that are not recorded in the copy are looked for in DVC's run cache."""
    assert semagic("run", "label").exit_code == 0
    lock, kept = Path("dvc.lock"), Path(".dvc/tmp/dvc.lock.whole")
    whole = parse_yaml(lock.read_text())
    make_plan()
    assert parse_yaml(kept.read_text()) == whole
    lock.write_text(part)
    Path(".dvc/tmp/rwlock").write_text('{"read": {')
    if copy == "part":
        kept.write_text(part)
    elif copy == "none":
        kept.unlink()
    again = semagic("run", "label")
    assert again.exit_code == 0
    assert "rwlock: only a part of it is there" in again.stdout
    assert parse_yaml(lock.read_text()) == whole


def test_what_is_wrong_with_the_pipeline_itself_is_an_error(toy):
    Path("dvc.yaml").write_text("stages: [")
    with pytest.raises(InputError, match=r"dvc\.yaml"):
        run_stages((), 1, on_this_machine(Gpus(())))


def test_stages_run_in_the_environment_of_the_command(toy, monkeypatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    Path("dvc.yaml").write_text(to_yaml({"stages": {"who": stage("command -v python > who", ["seed"], ["who"])}}))
    assert semagic("run").exit_code == 0
    assert Path("who").read_text().strip() == str(Path(sys.executable).with_name("python"))
