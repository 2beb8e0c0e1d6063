"""Execution of the stages' commands on this machine, each with its own process group."""

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

from pipeline.fanout.gpus import Gpus
from pipeline.fanout.leash import leashed
from pipeline.fanout.logs import note
from pipeline.fanout.work import Work
from pipeline.warm.client import Program, start_program

STOPPED = 130
"""Exit code of a stage that was not executed to its end because the run was being stopped."""


class Processes:
    """Thread-safe executor of commands that can be stopped.

    Args:
        environment: environment variables of the commands, to which those of each stage are added.
        grace: seconds between the interrupt and the kill when the commands are stopped.
        gpus: GPUs that the commands share.

    Attributes:
        places: None, as any number of stages can be executed at once.
    """

    places: int | None = None

    def __init__(self, environment: Mapping[str, str], grace: float = 10.0, gpus: Gpus | None = None) -> None:
        self._environment, self._grace = environment, grace
        self._gpus = gpus or Gpus(())
        self._lock = threading.Lock()
        self._running: set[Program] = set()
        self._stopped = False

    def execute(self, name: str, work: Work, log: Path) -> int:
        """Execute the commands of a stage, as far as they succeed, and add their output to a log.

        Processes that a command leaves behind in its process group are killed.

        Returns:
            The exit code of the last one, which is negative if a signal ended it.
        """
        with self._gpus.lend() as variables:
            environment = {**self._environment, **work.environment, **variables}
            for command in work.commands:
                note(log, f"> {command}")
                code = self._execute(command, work.folder, environment, log)
                if code:
                    note(log, f"failed to run: {command}, exited with {code}")
                    return code
        return 0

    def _execute(self, command: str, folder: str, environment: Mapping[str, str], log: Path) -> int:
        with log.open("ab") as output, Path(os.devnull).open("rb") as nothing, self._lock:
            if self._stopped:
                return STOPPED
            program = _start(command, folder, environment, nothing.fileno(), output.fileno())
            self._running.add(program)
        # Until it is waited for, its number cannot be reused for another process group.
        with leashed(program.pid) if python_arguments(command) is None else nullcontext():
            program.ended()
        with self._lock:
            self._running.remove(program)
            os.killpg(program.pid, signal.SIGKILL)
        return program.wait()

    def stop(self) -> None:
        """Start no further command and interrupt the running ones. Kill those that survive the grace period."""
        self._stopped = True
        try:
            self._signal(signal.SIGINT)
            deadline = time.monotonic() + self._grace
            while self._running and time.monotonic() < deadline:
                time.sleep(0.02)
        finally:
            # A second Ctrl-C also ends up here.
            self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with self._lock:
            for program in self._running:
                os.killpg(program.pid, number)


def stage_environment() -> dict[str, str]:
    """Environment of the stages, in which `python` is the one that runs this process, activated or not."""
    search = os.environ.get("PATH", os.defpath)
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{search}"}


def python_arguments(command: str) -> list[str] | None:
    """Arguments of Python in a command `python -m MODULE ...`. None where the command is another, or needs a shell."""
    words = command.split()
    plain = words[:2] == ["python", "-m"] and len(words) > 2 and not re.search(r"[^\w\s@%+=:,./-]", command)
    return words[1:] if plain else None


def _start(command: str, folder: str, environment: Mapping[str, str], stdin: int, stdout: int) -> Program:
    arguments = python_arguments(command)
    if arguments:
        return start_program(arguments, (stdin, stdout, stdout), environment, folder, own_session=True)
    # The shell of the user, as DVC does it.
    shell = environment.get("SHELL", "/bin/sh")
    return Program.start([shell, "-c", command], (stdin, stdout, stdout), environment, folder, own_session=True)
