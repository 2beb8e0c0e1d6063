"""One training of a cell at a time: a second process is refused instead of sharing its checkpoints."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.base.errors import InputError


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the lock of a checkpoint folder; the system frees it when the process ends, however it ends.

    Raises:
        InputError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(
                f"{folder}: another process is training this cell. Wait for it, or stop it and run again; "
                "training continues from its last checkpoint."
            ) from error
        yield
