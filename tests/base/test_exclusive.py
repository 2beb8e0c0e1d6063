"""Locks of stages: one process at a time, and every stage holds one."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from pipeline.base.errors import InputError
from pipeline.base.exclusive import exclusive
from pipeline.config.opening import open_workspace
from support.paths import ROOT

CELL = {"variant": "ours", "backbone": "dinov2", "category": "car", "seed": "0"}
STAGES = {
    "baselines": ("backbone", "category"),
    "data": (),
    "depth": ("category",),
    "evaluate": tuple(CELL),
    "features": ("backbone", "category"),
    "fetch": ("release",),
    "gallery": ("category",),
    "instances": ("category",),
    "masks": ("category",),
    "overview": (),
    "pca": ("backbone", "category"),
    "poses": ("category",),
    "predict": tuple(CELL),
    "reconstruct": tuple(CELL),
    "report": (),
    "resolve": (),
    "train": tuple(CELL),
}


def test_a_lock_is_refused_to_a_second_holder_and_free_afterwards(tmp_path: Path) -> None:
    lock = tmp_path / "locks/stage"
    with exclusive(lock):
        refused = pytest.raises(InputError, match=rf"another process \(number {os.getpid()}\).*kill {os.getpid()}")
        with refused, exclusive(lock):
            pass
    with exclusive(lock):
        pass


def test_a_killed_holder_frees_its_lock(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from pipeline.base.exclusive import exclusive
with exclusive(Path({str(tmp_path / "lock")!r})):
    print("held", flush=True)
    input()
"""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"held\n"
    with pytest.raises(InputError, match=f"number {process.pid}"), exclusive(tmp_path / "lock"):
        pass
    process.kill()
    process.communicate()
    with exclusive(tmp_path / "lock"):
        pass


def test_every_stage_is_listed() -> None:
    found = {path.stem for path in (ROOT / "stages").glob("*.py")} - {"__init__", "arguments"}
    assert found == set(STAGES)


@pytest.mark.parametrize("stage", sorted(STAGES))
def test_a_stage_does_nothing_while_another_process_has_its_lock(
    stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    values = {**CELL, "release": "spair"}
    arguments = [word for name in STAGES[stage] for word in (f"--{name}", values[name])]
    monkeypatch.setattr(sys, "argv", [stage, *arguments, "--root", str(tmp_path)])
    workspace = open_workspace(tmp_path)
    before = sorted(tmp_path.iterdir())
    main = import_module(f"stages.{stage}").main
    with exclusive(workspace.lock(stage, *(values[name] for name in STAGES[stage]))):
        with pytest.raises(InputError, match="another process .* is at work on the same outputs"):
            main()
        assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / ".checkpoints"])
