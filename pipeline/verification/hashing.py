"""Hashes from the bytes of files: nothing that was remembered of an earlier reading is believed."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from dvc_data.hashfile.hash import fobj_md5
from tqdm import tqdm
from tqdm.utils import CallbackIOWrapper


class Reading(NamedTuple):
    """One file, and how it is hashed."""

    path: Path
    algorithm: str
    """As DVC names it: 'md5', 'sha256', or the 'md5-dos2unix' of old DVC files."""


class Hashes(NamedTuple):
    """What was read."""

    values: dict[Reading, str]
    """Hexadecimal digits, or in brackets why the file could not be read."""
    files: int
    bytes: int


def hash_files(readings: Iterable[Reading], show: bool = True) -> Hashes:
    """Read each file once for each of its algorithms; files that are missing have no value.

    Args:
        show: a progress bar.
    """
    sizes = {reading: reading.path.stat().st_size for reading in sorted(set(readings)) if reading.path.is_file()}
    with tqdm(total=sum(sizes.values()), desc="verifying", unit="B", unit_scale=True, disable=not show) as progress:
        values = {reading: _hash(reading, progress) for reading in sizes}
    by_path = {reading.path: size for reading, size in sizes.items()}
    return Hashes(values, len(by_path), sum(by_path.values()))


def _hash(reading: Reading, progress: tqdm) -> str:
    try:
        with reading.path.open("rb") as stream:
            return fobj_md5(CallbackIOWrapper(progress.update, stream), name=reading.algorithm)
    except OSError as error:
        return f"({error.strerror})"
