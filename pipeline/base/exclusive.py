"""One process at a time: a second one is refused instead of writing into the first one's files."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.base.errors import InputError
from pipeline.base.files import make_folder, named


@contextmanager
def exclusive(lock: Path) -> Iterator[None]:
    """Hold a lock file; the system frees it when the process ends, however it ends.

    The file itself stays: removing it would let two processes hold two files of one name.

    Raises:
        InputError: another process holds it.
    """
    descriptor = _acquire(lock)
    try:
        yield
    finally:
        os.close(descriptor)


def _acquire(lock: Path) -> int:
    make_folder(lock.parent)
    with named(lock):
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        except BlockingIOError as error:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise InputError(
                f"{lock}: another process (number {holder}) is at work on the same outputs. Wait for it, or end it "
                f"(`kill {holder}`) and run this again; it goes on from what is finished."
            ) from error
        except BaseException:
            os.close(descriptor)
            raise
    return descriptor
