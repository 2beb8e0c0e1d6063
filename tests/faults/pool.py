"""Processes that read mutants side by side, each started again after a crash or a hang."""

import contextlib
import multiprocessing
import os
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from faults.mutants import Task
from faults.trial import Verdict
from faults.worker import serve

SECONDS = 10.0
"""Time of the processor that reading one file may take."""
WAIT_SECONDS = 120.0
"""Time that a reader may wait without computing, on a machine that has other work."""
START_SECONDS = 600.0
"""Time until a mutant is made: libraries are loaded, and valid files are made and read."""


class Worker:
    """One process, which answers one task at a time."""

    def __init__(self, sources: Path, folder: Path) -> None:
        self._places = sources, folder
        self._start()

    def ask(self, task: Task) -> Verdict:
        """Have a mutant made and read."""
        try:
            self._connection.send(task)
            problem = self._answer(START_SECONDS, START_SECONDS)
            return self._answer(SECONDS, WAIT_SECONDS) if problem is None else problem
        except TimeoutError:
            self._process.kill()
            verdict = Verdict("hang", "", f"no answer within {SECONDS:g} s")
        except (EOFError, ConnectionError):
            self._process.join(5)
            verdict = Verdict("crash", "", f"the process ended with {self._process.exitcode}")
        self.end()
        self._start()
        return verdict

    def end(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(5)
        self._process.kill()
        self._process.join()

    def _answer(self, computing: float, waiting: float) -> Any:
        """Receive an answer.

        Args:
            computing: seconds of the processor that it may take.
            waiting: seconds that it may take.

        Raises:
            TimeoutError: it takes longer.
        """
        last, end = self._computed() + computing, time.monotonic() + waiting
        while not self._connection.poll(0.5):
            if time.monotonic() > end or self._computed() > last:
                raise TimeoutError
        return self._connection.recv()

    def _computed(self) -> float:
        """Seconds of the processor that the process has had."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _start(self) -> None:
        # A process that was forked from one with threads may wait for ever for their locks.
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, *self._places), daemon=False)
        self._process.start()
        theirs.close()


def read_mutants(tasks: Sequence[Task], workspace: Path, processes: int) -> list[tuple[Task, Verdict]]:
    """Read mutants side by side, and give each with its verdict.

    Processes begin at both ends of the list of tasks. Tasks of one kind stand together there, so that most libraries
    are loaded by one process only.

    Args:
        workspace: folder for the files.
    """
    waiting, found = deque(tasks), {}

    def answer(number: int) -> None:
        worker = Worker(workspace / "sources", workspace / f"process{number}" / "root")
        take = waiting.pop if number % 2 else waiting.popleft
        try:
            # Operations of a deque are atomic.
            with contextlib.suppress(IndexError):
                while True:
                    task = take()
                    found[task] = worker.ask(task)
        finally:
            worker.end()

    with ThreadPoolExecutor(processes) as executor:
        list(executor.map(answer, range(processes)))
    return [(task, found[task]) for task in tasks]
