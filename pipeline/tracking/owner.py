"""The process that a run belongs to, so that a run whose process died can be told from one that goes on."""

import contextlib
import socket
from collections.abc import Mapping
from pathlib import Path

from pipeline.base.tether import find_process

HOST, PID, STARTED = "process.host", "process.pid", "process.started"
"""Tags of a run."""
BOOT = Path("/proc/sys/kernel/random/boot_id")


def this_host() -> str:
    """Name of this machine, as in the tags of its runs."""
    return socket.gethostname()


def owner_tags(pid: int) -> dict[str, str]:
    """Make the tags that name a running process of this machine."""
    return {HOST: this_host(), PID: str(pid), STARTED: _started(pid)}


def is_dead(tags: Mapping[str, str]) -> bool:
    """Whether the process in the tags of a run has ended for certain.

    False for a process of another machine, and where the system does not say when a process has started.
    """
    if tags.get(HOST) != this_host() or not tags.get(STARTED) or not tags.get(PID, "").isdigit():
        return False
    return _started(int(tags[PID])) != tags[STARTED]


def _started(pid: int) -> str:
    """Start of a process: that of the machine, and clock ticks since. Empty where there is no such process."""
    boot = ""
    with contextlib.suppress(OSError):
        boot = BOOT.read_text(encoding="utf-8").strip()
    process = find_process(pid)
    return f"{boot} {process.started}" if process and boot else ""
