"""A stage ends when the process that started it ends, shells in between included."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.paths import ROOT

STAGE = """
import sys, time
from pathlib import Path
from pipeline.base.interrupts import interruptible
from pipeline.base.tether import tethered
with interruptible(), tethered():
    Path(sys.argv[1]).write_text("started")
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        Path(sys.argv[1]).write_text("ended in order")
"""
STARTER = """
import subprocess, sys
subprocess.run(sys.argv[1:])
"""


def wait_for(path: Path, content: str, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not (path.is_file() and path.read_text() == content):
        assert time.monotonic() < deadline, f"{path} has not become '{content}'"
        time.sleep(0.05)


@pytest.mark.parametrize("through", [[], ["sh", "-c", 'true; "$@"; true', "sh"]], ids=["directly", "shell"])
def test_an_orphan_ends_in_order(through: list[str], tmp_path: Path) -> None:
    place = tmp_path / "state"
    command = [*through, sys.executable, "-c", STAGE, str(place)]
    starter = subprocess.Popen([sys.executable, "-c", STARTER, *command], cwd=ROOT, start_new_session=True)
    try:
        wait_for(place, "started")
        starter.kill()
        starter.wait()
        wait_for(place, "ended in order")
    finally:
        os.killpg(starter.pid, signal.SIGKILL) if place.read_text() == "started" else None
