"""Execution of commands as subprocesses, each with its own process group and log file."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from pipeline.fanout.gpus import Gpus

STOPPED = 130
"""Exit code of a command that was not started because the run was being stopped."""
TAIL_BYTES = 65536
"""Number of bytes at the end of a log in which its last lines are searched."""


class Processes:
    """Thread-safe runner of commands that can be stopped.

    Args:
        command: function that returns the command line for a name.
        logs: folder of the log files, which is created if it does not exist.
        environment: environment variables of the commands.
        grace: seconds between the interrupt and the kill when the commands are stopped.
        gpus: GPUs that the commands share.
    """

    def __init__(
        self,
        command: Callable[[str], Sequence[str]],
        logs: Path,
        environment: Mapping[str, str],
        grace: float = 10.0,
        gpus: Gpus | None = None,
    ) -> None:
        self._command, self._logs, self._environment, self._grace = command, logs, environment, grace
        self._gpus = gpus or Gpus(())
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen] = set()
        self._stopped = False
        logs.mkdir(parents=True, exist_ok=True)

    def log(self, name: str) -> Path:
        """Path of the log of a command. Slashes in names, as of stages in other folders, are quoted."""
        return self._logs / f"{quote(name, safe='@')}.log"

    def run(self, name: str) -> int:
        """Run the command of `name` to its end and return its exit code, which is negative if a signal ended it.

        Processes that the command leaves behind in its process group are killed.
        """
        with self._gpus.lend() as variables:
            return self._run(name, {**self._environment, **variables})

    def _run(self, name: str, environment: Mapping[str, str]) -> int:
        with self.log(name).open("wb") as log, self._lock:
            if self._stopped:
                return STOPPED
            process = subprocess.Popen(
                self._command(name),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
            self._running.add(process)
        # Until the process is reaped, its id cannot be reused for another process group.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            self._running.remove(process)
            os.killpg(process.pid, signal.SIGKILL)
        return process.wait()

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
            for process in self._running:
                os.killpg(process.pid, number)


def tail(path: Path, lines: int) -> list[str]:
    """Read the last lines of a log. Of a line that was rewritten with carriage returns, the last state is returned."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - TAIL_BYTES))
        text = stream.read().decode("utf-8", errors="replace")
    return [line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.rstrip().split("\n")][-lines:]
