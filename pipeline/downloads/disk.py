"""Check of the free disk space before large writes, and the error message for a failed write."""

import shutil
from pathlib import Path

from pipeline.base.errors import InputError
from pipeline.base.files import DISK_FULL

MARGIN = 64_000_000
"""Bytes that always stay free, because a full disk affects other programs too."""


def require_space(folder: Path, size: int, purpose: str) -> None:
    """Check that `size` more bytes fit on the disk of `folder`, which need not exist yet.

    Raises:
        InputError: there is not enough free space.
    """
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    free = shutil.disk_usage(existing).free
    if size + MARGIN > free:
        raise InputError(
            f"{folder}: {purpose} needs {in_words(size)} on this disk, {in_words(free)} are free. Free some, or put a "
            "link to a folder on a larger disk in its place."
        )


def write_error(path: Path, error: OSError) -> InputError:
    """Make the error to raise when `path` could not be written."""
    if error.errno in DISK_FULL:
        advice = "The disk or its quota is full: free some space and run this again."
    else:
        advice = "Make the folder writable and run this again."
    return InputError(f"{path}: cannot be written ({error.strerror}). {advice} Nothing incomplete was left behind.")


def in_words(size: float) -> str:
    """Format a number of bytes with a suitable unit, such as '7.52 GB' or '31 kB'."""
    for unit, factor, digits in (("GB", 1e9, 2), ("MB", 1e6, 1)):
        if size >= factor / 10:
            return f"{size / factor:.{digits}f} {unit}"
    return f"{size / 1e3:.0f} kB" if size >= 1e3 else f"{size:.0f} bytes"
