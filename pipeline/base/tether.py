"""The end of a process whose starter has ended: a stage that nobody waits for must not go on writing."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pipeline.base.interrupts import INTERRUPTED

SHELLS = ("ash", "bash", "busybox", "dash", "fish", "ksh", "sh", "zsh")
"""Programs that start a command for another process, and may survive it."""
INTERVAL = 0.5
"""Seconds between two looks at the starter."""
GRACE = 10.0
"""Seconds that the process has to end by itself."""


class Process(NamedTuple):
    """A process, told from a later one of the same number by the time of its start."""

    pid: int
    started: str
    """Start in clock ticks since the machine started, as the kernel writes it."""
    parent: int
    command: str


def end_self() -> None:
    """Ask this process to end, as if it had received SIGTERM."""
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def tethered(end: Callable[[], None] = end_self) -> Iterator[None]:
    """Call `end` if the process that started this one ends during the body, and exit hard if that does not help.

    The starter is the nearest ancestor that is not a shell; the shells in between count too.
    """
    starters = _starters()
    released = threading.Event()

    def watch() -> None:
        while not released.wait(INTERVAL):
            if not all(map(_alive, starters)):
                end()
                released.wait(GRACE)
                if not released.is_set():
                    os._exit(INTERRUPTED)
                return

    threading.Thread(target=watch, name="tether", daemon=True).start()
    try:
        yield
    finally:
        released.set()


def _starters() -> list[Process]:
    """The shells that this process was started through, and the process that started them."""
    found: list[Process] = []
    process = find_process(os.getppid())
    while process is not None:
        found.append(process)
        process = find_process(process.parent) if process.command in SHELLS else None
    return found


def _alive(process: Process) -> bool:
    now = find_process(process.pid)
    return now is not None and now.started == process.started


def find_process(pid: int) -> Process | None:
    """What the kernel knows of a running process; None where it has ended, or where there is no such list."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name stands in brackets, and may contain brackets and spaces.
    command, rest = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 1 :].split()
    return None if rest[0] in "ZX" else Process(pid, rest[19], int(rest[1]), command)
