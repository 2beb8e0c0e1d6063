"""Checksums of the files that a stage has written, so that damage is found when a file is read.

The last file that a stage writes into its folder is `SHA256SUMS`, in the form of coreutils: `sha256sum --check
SHA256SUMS` does the same as this module. A folder without it is unfinished.
"""

import functools
import re
from collections.abc import Mapping
from pathlib import Path

from pipeline.base.errors import InputError
from pipeline.base.files import named, remove_partials, sha256, write_text

CHECKSUMS = "SHA256SUMS"
"""Name of the file of checksums in the folder that it is about."""


class DamagedFileError(InputError):
    """A file of the pipeline is not the one that was written.

    Attributes:
        paths: the files to make again: the file itself and its list of checksums, either of which may be the bad one.
    """

    def __init__(self, message: str, *paths: Path) -> None:
        super().__init__(message)
        self.paths = paths


def write_checksums(folder: Path) -> None:
    """Write the checksums of all files directly in a folder; call it last.

    It removes what killed writers have left there, and does not list other hidden files.
    """
    remove_partials(folder)
    names = [path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    write_text(folder / CHECKSUMS, checksum_lines({name: sha256(folder / name) for name in names if name != CHECKSUMS}))


def checksum_lines(sums: Mapping[str, str]) -> str:
    """Text of a list of checksums, given the SHA-256 of each file by its name."""
    return "".join(f"{sums[name]}  {name}\n" for name in sorted(sums))


def checked(path: Path) -> Path:
    """Return `path` if the file is the one that the stage wrote.

    Raises:
        DamagedFileError: the content of the file is not that of its checksum, or the file is gone.
        InputError: the folder has no list of checksums, or one that does not list the file.
    """
    sums = read_checksums(path.parent)
    if path.name not in sums:
        raise InputError(
            f"{path}: expected a file that {path.parent / CHECKSUMS} lists, found that it does not. It is a leftover: "
            "remove it. If you made it yourself, list it: sha256sum * > SHA256SUMS"
        )
    found = _content_sha256(path)
    if found != sums[path.name]:
        state = "no file" if found is None else f"content of SHA-256 {found}"
        raise DamagedFileError(
            f"{path}: expected the content of SHA-256 {sums[path.name]} ({CHECKSUMS} beside it), found {state}: it was "
            "damaged or changed. Run the same command again, or `dvc repro`: it is restored from DVC's cache or made "
            "again. To keep a change of your own, run `sha256sum * > SHA256SUMS` in its folder first.",
            path,
            path.parent / CHECKSUMS,
        )
    return path


def read_checksums(folder: Path) -> Mapping[str, str]:
    """Read the SHA-256 of each file of a finished folder, by the file's name.

    Raises:
        DamagedFileError: the list of checksums is damaged.
        InputError: there is no list.
    """
    path = folder / CHECKSUMS
    try:
        status = path.stat()
    except OSError:
        raise InputError(
            f"{folder}: expected a finished output with its checksums {CHECKSUMS}, found none. Run `dvc repro`."
        ) from None
    return _parse(path, status.st_mtime_ns, status.st_size, status.st_ino)


def is_listed(path: Path) -> bool:
    """Whether the stage that finished the folder of `path` wrote this file.

    Raises:
        InputError: as `read_checksums`.
    """
    return path.name in read_checksums(path.parent)


@functools.lru_cache(maxsize=64)
def _parse(path: Path, *_: int) -> Mapping[str, str]:
    """Parse a list of checksums; the further arguments tell one state of the file from another."""
    lines = path.read_bytes().decode("utf-8", errors="replace").splitlines()
    found = [re.fullmatch(r"([0-9a-f]{64}) [ *](.+)", line) for line in lines]
    sums = {match[2]: match[1] for match in found if match}
    if len(sums) != len(lines):
        raise DamagedFileError(
            f"{path}: expected lines of a SHA-256 and a name, found {len(lines) - len(sums)} others among "
            f"{len(lines)}. Run `dvc repro`: it is restored from DVC's cache, or its folder made again.",
            path,
        )
    return sums


def _content_sha256(path: Path) -> str | None:
    """SHA-256 of a file; None where there is none."""
    try:
        with named(path):
            return sha256(path)
    except FileNotFoundError:
        return None
