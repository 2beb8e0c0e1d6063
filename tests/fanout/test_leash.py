"""What a command leaves behind when its starter dies, or does not."""

import os
import signal
import subprocess
import sys
import time

import pytest

from pipeline.fanout.leash import leashed

PROGRAM = """
import os
from pathlib import Path
from pipeline.fanout.processes import Processes
from pipeline.fanout.work import Work
command = "trap '' INT TERM HUP; sleep 600 & echo $$ > group.part && mv group.part group; wait; wait"
Processes(dict(os.environ)).execute("a", Work((command,), str(Path.cwd())), Path("log"))
"""


def alive(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_command_dies_with_a_starter_that_was_killed(tmp_path):
    starter = subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=tmp_path)
    deadline = time.monotonic() + 60
    while not (tmp_path / "group").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    group = int((tmp_path / "group").read_text())
    assert alive(group)
    # The watcher is started right after the command.
    time.sleep(0.5)
    starter.kill()
    starter.wait()
    while alive(group) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(group)


@pytest.mark.parametrize("fails", [False, True])
def test_a_starter_that_lives_lets_it_be(fails):
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as command:
        try:
            with leashed(command.pid):
                if fails:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            pass
        time.sleep(0.2)
        assert command.poll() is None
        os.kill(command.pid, signal.SIGKILL)
