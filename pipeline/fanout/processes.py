"""Commands on this machine, each in a process group of its own and with a log file."""

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
"""Exit code of what was not started because everything was being stopped."""
TAIL_BYTES = 65536


class Processes:
    """Runs commands until it is stopped; every method may be called from any thread.

    Args:
        command: the command line for a name.
        logs: folder of the log files, created when it is missing.
        environment: of the commands.
        grace: seconds between the request to end and the kill.
        gpus: that the commands share.
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
        """Where the output of a command goes; names of stages in other folders hold slashes."""
        return self._logs / f"{quote(name, safe='@')}.log"

    def run(self, name: str) -> int:
        """Run the command of `name` to its end; returns its exit code, negative if a signal ended it.

        What the command leaves behind in its process group is killed.
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
        # As long as it is not reaped its number cannot become that of another process group.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            self._running.remove(process)
            os.killpg(process.pid, signal.SIGKILL)
        return process.wait()

    def stop(self) -> None:
        """Start nothing more and end what runs, as Ctrl-C would; kill what is still there after the grace period."""
        self._stopped = True
        try:
            self._signal(signal.SIGINT)
            deadline = time.monotonic() + self._grace
            while self._running and time.monotonic() < deadline:
                time.sleep(0.02)
        finally:
            # Also at a second Ctrl-C.
            self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with self._lock:
            for process in self._running:
                os.killpg(process.pid, number)


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a log as a terminal would show them: of a line that was rewritten, the last state."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - TAIL_BYTES))
        text = stream.read().decode("utf-8", errors="replace")
    return [line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.rstrip().split("\n")][-lines:]
