"""Files on their way between machines: archives that are named by their content."""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from uuid import uuid4

from pipeline.base.errors import InputError
from pipeline.base.files import remove_folder

LARGEST = 64 * 2**20
"""Size of an archive, of which one file alone may have more [bytes]."""


class Pack(NamedTuple):
    """Some files in one archive."""

    sha256: str
    names: tuple[str, ...]
    """Paths of the files in the folder that they are packed from."""
    blob: bytes
    """Uncompressed tar archive."""


def files_below(path: Path) -> list[Path]:
    """The file itself, or all files below a folder; nothing where there is neither. Links are followed."""
    if path.is_file():
        return [path]
    return sorted(
        Path(folder) / name for folder, _, names in os.walk(path, followlinks=True) for name in names if _counts(name)
    )


def signature(paths: Iterable[Path]) -> tuple[tuple[str, int, int], ...]:
    """What tells whether files have changed: path, time of change and size of each."""
    found = ((path, path.stat()) for path in paths)
    return tuple((str(path), state.st_mtime_ns, state.st_size) for path, state in found)


def pack(folder: Path, paths: Iterable[Path]) -> Iterator[Pack]:
    """Pack files below a folder. Equal content under equal names gives equal bytes.

    A file that vanishes meanwhile is left out.
    """
    found: dict[str, bytes] = {}
    size = 0
    for path in paths:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        if found and size + len(content) > LARGEST:
            yield _packed(found)
            found, size = {}, 0
        found[path.relative_to(folder).as_posix()] = content
        size += len(content)
    if found:
        yield _packed(found)


def unpack(blob: bytes, sha256: str, folder: Path) -> None:
    """Unpack an archive into a folder.

    Raises:
        InputError: its bytes are not those that were sent.
        OSError: the files cannot be written.
    """
    found = hashlib.sha256(blob).hexdigest()
    if found != sha256:
        raise InputError(f"{folder}: expected an archive with the SHA-256 {sha256}, received {found}.")
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(blob)) as archive:
        # `extractall` takes a filter only from Python 3.11.4 on.
        for member in archive:
            name, content = PurePosixPath(member.name), archive.extractfile(member)
            if content is None or name.is_absolute() or ".." in name.parts:
                raise InputError(f"{folder}: expected an archive of files, found '{member.name}' in it.")
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content.read())


def unpack_once(blob: bytes, sha256: str, store: Path) -> None:
    """Unpack an archive into the folder of its name in a store, unless it is there. Others may do the same at once."""
    target, partial = store / sha256, store / f".{uuid4().hex}"
    try:
        unpack(blob, sha256, partial)
        try:
            partial.rename(target)
        except OSError:
            # Somebody else was faster.
            if not target.is_dir():
                raise
    finally:
        remove_folder(partial)


def _packed(found: Mapping[str, bytes]) -> Pack:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in found.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    blob = stream.getvalue()
    return Pack(hashlib.sha256(blob).hexdigest(), tuple(found), blob)


def _counts(name: str) -> bool:
    return not name.endswith(".pyc")
