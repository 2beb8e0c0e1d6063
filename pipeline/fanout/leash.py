"""The end of a command whose starter has died, even by SIGKILL; stages notice that by themselves."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

WATCH = 'read -r line || kill -s KILL -- "-$1"'
"""A program for the shell: a line says that all is well, the end of the input that whoever would write it is dead."""


@contextmanager
def leashed(group: int) -> Iterator[None]:
    """Kill a process group if this process dies during the body.

    Raises:
        OSError: the process that watches cannot be started.
    """
    watcher = subprocess.Popen(
        ["/bin/sh", "-c", WATCH, "sh", str(group)], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        yield
    finally:
        watcher.communicate(b"\n")
