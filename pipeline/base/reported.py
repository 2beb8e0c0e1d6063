"""Errors that the user can resolve, reported as one message on stderr instead of a traceback."""

import contextlib
import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.base.checksums import DamagedFileError
from pipeline.base.errors import InputError
from pipeline.base.files import DISK_FULL
from pipeline.base.interrupts import INTERRUPTED

FAILED = 1
"""Exit code of a command that failed or found damage."""
REMEDIES = {
    **dict.fromkeys(DISK_FULL, "Free some space"),
    errno.EACCES: "Give yourself the right to read and write there",
    errno.EPERM: "Give yourself the right to read and write there",
    errno.EROFS: "Make the file system writable",
    errno.EIO: "Look at the disk and its cables (`dmesg`)",
    errno.ENOLCK: "Use a file system that has locks",
    errno.ENOENT: "Restore it",
}
"""What a user can do about an error of the operating system, by its number."""


@contextmanager
def reported() -> Iterator[None]:
    """End the process with one message, and exit code 1, at an error that the user can resolve.

    These are InputError and the errors of the operating system that name a file. An interruption gives exit code 130.
    Damaged files are marked as changed, so that DVC sees that they have to be made again. Other errors propagate.
    Characters that the screen's encoding lacks are printed as their codes.

    Raises:
        SystemExit: the body of the `with` statement raised such an error.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        yield
    except DamagedFileError as error:
        _mark_changed(error)
        _end(f"error: {error}", FAILED)
    except InputError as error:
        _end(f"error: {error}", FAILED)
    except OSError as error:
        if error.filename is None and error.errno not in DISK_FULL:
            raise
        remedy = REMEDIES.get(error.errno or 0, "Mend that")
        _end(f"error: {error}. {remedy} and run this again; what was finished is kept.", FAILED)
    except KeyboardInterrupt:
        _end("Interrupted; run it again to go on.", INTERRUPTED)


def _end(message: str, code: int) -> None:
    print(message, file=sys.stderr)
    raise SystemExit(code) from None


def _mark_changed(error: DamagedFileError) -> None:
    """Set the time of change, by which DVC sees that it has to hash the files again: damage leaves that time alone."""
    for path in error.paths:
        with contextlib.suppress(OSError):
            os.utime(path)
