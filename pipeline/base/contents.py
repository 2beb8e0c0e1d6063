"""Contents of files in the pipeline's own forms, read by libraries that raise whatever they like.

Checksums find damage before. What is left are files of somebody else: their checksums fit, and their content need not.
"""

import contextlib
import errno
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from pipeline.base.errors import InputError

LARGEST_ARRAYS = 1 << 30
"""Bytes that the arrays of one file may have together."""


@contextlib.contextmanager
def parsing(path: Path, expected: str) -> Iterator[None]:
    """Turn every exception of the body into an InputError that names a file, errors of the operating system excepted.

    Args:
        path: the file that the body reads.
        expected: what the file should hold, as it follows "expected" in the error.

    Raises:
        InputError: the body raised an exception.
    """
    try:
        yield
    except Exception as error:
        # A position that no file has is an invalid argument to the operating system.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        if isinstance(error, InputError) and str(path) in str(error):
            raise
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise InputError(
            f"{path}: expected {expected}, found something else ({reason}). Make it again: remove its folder and run "
            "`dvc repro`. If somebody gave it to you, ask for another copy."
        ) from error


def read_arrays(path: Path, names: Iterable[str]) -> dict[str, np.ndarray]:
    """Read those of some arrays that a file of numpy's form `npz` has, by their names.

    Raises:
        ValueError: the arrays are larger than `LARGEST_ARRAYS`, as a compressed file of any size can state.
        Exception: numpy cannot read the file. Call this inside `parsing`.
    """
    with zipfile.ZipFile(path) as archive:
        size = sum(info.file_size for info in archive.infolist())
    if size > LARGEST_ARRAYS:
        raise ValueError(f"its arrays have {size} bytes, more than {LARGEST_ARRAYS}")
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in names if name in arrays}
