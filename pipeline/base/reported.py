"""Errors that the user can resolve, reported as one message on stderr instead of a traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.base.errors import InputError
from pipeline.base.files import DISK_FULL

FAILED = 1
"""Exit code of a command that failed or found damage."""


@contextmanager
def reported() -> Iterator[None]:
    """End the process with one message and exit code 1 at an InputError or a full disk. Other errors propagate.

    Raises:
        SystemExit: the body of the `with` statement raised an InputError or found the disk full.
    """
    try:
        yield
    except InputError as error:
        message = str(error)
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        message = f"{error}. Free some space and run this again; what was finished is kept."
    else:
        return
    print(f"error: {message}", file=sys.stderr)
    raise SystemExit(FAILED)
