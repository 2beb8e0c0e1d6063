"""DVC's records of stages that `semagic run` has run, compared with those of `dvc repro`."""

import json
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from dvc.utils.serialize import modify_yaml

from pipeline.base.yaml_text import parse_yaml, to_yaml
from pipeline.fanout.bookkeeping import Bookkeeper
from pipeline.fanout.dvc_files import LockFile
from pipeline.fanout.plan import make_plan
from support.command_line import semagic
from support.dvc_repository import init_repository

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")
"""DVC's use of pygtrie."""

STAGES = {
    "folder": {"cmd": "mkdir -p made/deep\ncp seed made/a\ncp seed made/deep/b", "deps": ["seed"], "outs": ["made"]},
    "commands": {"cmd": ["cat made/a made/deep/b > both", "echo . >> ran"], "deps": ["made"], "outs": ["both"]},
    "cell": {
        "matrix": {"one": ["x", "y"]},
        "cmd": "echo ${item.one} ${number} > cell.${item.one}",
        "deps": ["both"],
        "params": ["number"],
        "outs": ["cell.${item.one}"],
    },
    "metric": {"cmd": "echo 1 > metric.json", "deps": ["both"], "metrics": [{"metric.json": {"cache": False}}]},
    "uncached": {"cmd": "cp both plain", "deps": ["both"], "outs": [{"plain": {"cache": False}}]},
    "kept": {"cmd": "echo . >> log", "deps": ["both"], "outs": [{"log": {"persist": True}}]},
    "inside": {"wdir": "sub", "cmd": "cp ../both copy", "deps": ["../both"], "outs": ["copy"]},
    "always": {"cmd": "echo 1 > new", "outs": ["new"]},
    "frozen": {"frozen": True, "cmd": "false", "deps": ["seed"], "outs": ["old"]},
    "described": {"desc": "with quotes", "cmd": "echo \"$DVC_STAGE\" > 'who is it'", "outs": ["who is it"]},
}  # fmt: skip


def make_repository(folder):
    folder.mkdir()
    init_repository(folder)
    (folder / "seed").write_text("1\n")
    (folder / "old").write_text("old\n")
    (folder / "sub").mkdir()
    (folder / "params.yaml").write_text("number: 3\n")
    (folder / "dvc.yaml").write_text(to_yaml({"stages": STAGES}))
    (folder / "below").mkdir()
    below = {"below": {"cmd": "cp ../both copy", "deps": ["../both"], "outs": ["copy"]}}
    (folder / "below" / "dvc.yaml").write_text(to_yaml({"stages": below}))
    return folder


def dvc(*arguments):
    done = subprocess.run([sys.executable, "-m", "dvc", *arguments], check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture
def both(tmp_path, monkeypatch):
    """Two repositories, and functions that bring the one and the other up to date."""
    mine, theirs = make_repository(tmp_path / "mine"), make_repository(tmp_path / "theirs")

    def run():
        for targets in ((), ("below/dvc.yaml:below",)):
            monkeypatch.chdir(mine)
            done = semagic("run", *targets)
            assert done.exit_code == 0, done.output
            monkeypatch.chdir(theirs)
            dvc("repro", *targets)

    return mine, theirs, run


def kept(folder):
    """Everything that DVC keeps, by its path."""
    paths = [*folder.glob(".dvc/cache/**/*"), *folder.rglob(".gitignore")]
    found = {str(path.relative_to(folder)): sorted(path.read_bytes().splitlines()) for path in paths if path.is_file()}
    locks = [parse_yaml((place / "dvc.lock").read_text())["stages"] for place in (folder, folder / "below")]
    return found | {"locks": locks}


def outputs(folder):
    made = ("made/a", "made/deep/b", "both", "cell.x", "cell.y", "metric.json", "plain")
    names = (*made, "log", "sub/copy", "new", "old", "who is it", "ran", "below/copy")
    return {name: (folder / name).read_text() for name in names if (folder / name).exists()}


def compare(mine, theirs):
    assert outputs(mine) == outputs(theirs)
    for folder in (mine, mine / "below"):
        written = (folder / "dvc.lock").read_bytes()
        with modify_yaml(str(folder / "dvc.lock")):
            pass
        assert (folder / "dvc.lock").read_bytes() == written
    assert kept(mine) == kept(theirs)


def test_the_records_are_those_of_dvc(both, capfd):
    mine, theirs, run = both
    run()
    compare(mine, theirs)
    assert outputs(mine)["ran"] == ".\n" and outputs(mine)["who is it"] == "described\n"
    assert "lock file" not in capfd.readouterr().out

    # Outputs come back from the cache, and nothing runs again but what DVC always runs.
    for folder in (mine, theirs):
        shutil.rmtree(folder / "made")
        for name in ("both", "cell.x", "metric.json", "plain", "who is it"):
            (folder / name).unlink()
    run()
    compare(mine, theirs)
    assert outputs(mine)["ran"] == ".\n"

    # Another value, and back to the first, which the run cache remembers.
    for value in ("2\n", "1\n"):
        for folder in (mine, theirs):
            (folder / "seed").write_text(value)
        run()
        compare(mine, theirs)
    assert outputs(mine)["ran"] == ".\n.\n"

    for folder in (mine, theirs):
        (folder / "params.yaml").write_text("number: 4\n")
    run()
    compare(mine, theirs)
    assert outputs(mine)["cell.y"] == "y 4\n"


@pytest.mark.parametrize(
    "text",
    ["stages:\n  data:\n    cmd: 'echo'\nschema: '2.0'\n", "schema: '2.0'\nstages: {data: {cmd: echo}}\n",
     "# mine\nschema: '2.0'\nstages:\n  data:\n    cmd: echo\n"],
)  # fmt: skip
def test_entries_in_another_form_are_kept(tmp_path, monkeypatch, text):
    monkeypatch.chdir(make_repository(tmp_path / "repository"))
    lock = Path("dvc.lock")
    lock.write_text(text)
    plan = make_plan(["folder"])
    keeper = LockFile(lock.absolute())
    for _ in range(2):
        keeper.record(plan.stages["folder"])
    found = parse_yaml(lock.read_text())
    assert found["stages"]["data"] == {"cmd": "echo"} and set(found["stages"]) == {"data", "folder"}
    assert ("# mine" in lock.read_text()) == ("# mine" in text)


def test_an_entry_that_another_process_writes_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(make_repository(tmp_path / "repository"))
    plan = make_plan(["metric"])
    lock = LockFile(Path("dvc.lock").absolute())
    lock.record(plan.stages["folder"])
    plan.stages["commands"].dump(update_pipeline=False)
    lock.record(plan.stages["metric"])
    assert set(parse_yaml(Path("dvc.lock").read_text())["stages"]) == {"folder", "commands", "metric"}


def test_other_dvc_commands_can_run_beside_a_stage(tmp_path, monkeypatch):
    monkeypatch.chdir(make_repository(tmp_path / "repository"))
    plan = make_plan(["folder", "metric"])
    bookkeeper = Bookkeeper(plan.repo, plan.stages)
    work = bookkeeper.begin("folder")
    assert work.commands == tuple(STAGES["folder"]["cmd"].splitlines())
    assert "commands" in dvc("stage", "list")
    blocked = subprocess.run(
        [sys.executable, "-m", "dvc", "repro", "folder"], check=False, capture_output=True, text=True
    )
    assert blocked.returncode != 0 and "is busy" in blocked.stderr
    bookkeeper.give_up("folder")
    dvc("repro", "folder")
    # Meanwhile somebody else has made it.
    assert bookkeeper.begin("folder").commands == ()


def test_a_dvc_command_that_holds_the_lock_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.chdir(make_repository(tmp_path / "repository"))
    plan = make_plan(["always"])
    bookkeeper = Bookkeeper(plan.repo, plan.stages)
    code = (
        "import sys, time; from dvc.repo import Repo; repo = Repo(); repo.lock.lock(); print(flush=True); time.sleep(4)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert holder.stdout and holder.stdout.readline()
    began = []
    thread = threading.Thread(target=lambda: began.append(bookkeeper.begin("always")))
    thread.start()
    time.sleep(0.5)
    assert not began
    thread.join(60)
    assert began[0].commands == ("echo 1 > new",)
    bookkeeper.give_up("always")
    holder.communicate()


def test_a_stage_that_fails_around_its_command_is_one_failure(tmp_path, monkeypatch):
    monkeypatch.chdir(make_repository(tmp_path / "repository"))
    stages = {
        "forgets": {"cmd": "true", "outs": ["nothing"]},
        "lacks": {"cmd": "true", "deps": ["no_such_file"], "outs": ["something"]},
        "fine": {"cmd": "touch fine", "outs": ["fine"]},
    }
    Path("dvc.yaml").write_text(to_yaml({"stages": stages}))
    done = semagic("run", "-j", 1)
    assert done.exit_code == 1
    assert "1 stages done; 2 failed: forgets, lacks." in done.stdout
    assert "'nothing' does not exist" in done.stdout and "no_such_file" in done.stdout
    assert set(parse_yaml(Path("dvc.lock").read_text())["stages"]) == {"fine"}
    assert not any(json.loads(Path(".dvc/tmp/rwlock").read_text()).values())


def test_a_second_run_in_the_same_folder_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(make_repository(tmp_path / "repository"))
    stages = {"slow": {"cmd": "touch running; while test -e running; do sleep 0.05; done", "outs": []}}
    Path("dvc.yaml").write_text(to_yaml({"stages": stages}))
    first = subprocess.Popen([sys.executable, "-m", "semagic", "run"], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not Path("running").exists():
            assert time.monotonic() < deadline and first.poll() is None
            time.sleep(0.02)
        done = semagic("run")
        assert done.exit_code == 1
        assert f"another process (number {first.pid})" in done.stderr
    finally:
        Path("running").unlink(missing_ok=True)
        first.wait(60)
    assert first.returncode == 0
