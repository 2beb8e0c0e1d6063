"""Hashes computed from the bytes of files, without any cache of earlier results."""

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from dvc_data.hashfile.hash import fobj_md5
from tqdm import tqdm
from tqdm.utils import CallbackIOWrapper


class Reading(NamedTuple):
    """File to hash, with the hash algorithm."""

    path: Path
    algorithm: str
    """DVC's name of the algorithm: 'md5', 'sha256', or 'md5-dos2unix' in old DVC files."""


class Hashes(NamedTuple):
    """Hashes of files, with the totals for the summary."""

    values: dict[Reading, str]
    """Hash of each file in hexadecimal digits, or the read error in parentheses. Missing files have no entry."""
    files: int
    """Number of files that exist."""
    bytes: int
    """Total size of these files."""


def hash_files(readings: Iterable[Reading], show: bool = True) -> Hashes:
    """Hash each file once for each of its algorithms. Missing files have no value.

    Args:
        show: whether a progress bar is shown.
    """
    found = {reading: _size(reading.path) for reading in sorted(set(readings))}
    sizes = {reading: size for reading, size in found.items() if size is not None}
    with tqdm(total=sum(sizes.values()), desc="verifying", unit="B", unit_scale=True, disable=not show) as progress:
        values = {reading: _hash(reading, progress) for reading in sizes}
    by_path = {reading.path: size for reading, size in sizes.items()}
    return Hashes(values, len(by_path), sum(by_path.values()))


def _size(path: Path) -> int | None:
    """Size of a file in bytes; 0 for one that cannot be examined, and None where there is none."""
    try:
        return path.stat().st_size if path.is_file() else None
    except FileNotFoundError:
        return None
    except OSError:
        return 0


def _hash(reading: Reading, progress: tqdm) -> str:
    try:
        with reading.path.open("rb") as stream:
            # tqdm's wrapper passes every attribute of the stream on, which its type does not say.
            counted = cast(BinaryIO, CallbackIOWrapper(progress.update, stream))
            return fobj_md5(counted, name=reading.algorithm)
    except OSError as error:
        return f"({error.strerror})"
