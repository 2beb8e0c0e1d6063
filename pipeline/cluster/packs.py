"""Files on their way between machines: archives that are named by their content."""

import hashlib
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from uuid import uuid4

from pipeline.base.errors import InputError
from pipeline.base.files import remove_folder

CHUNK = 64 * 2**20
"""Largest number of bytes of a pack that are in memory at once; files that have less share a pack."""


class Pack(NamedTuple):
    """Some files in one archive."""

    sha256: str
    names: tuple[str, ...]
    """Paths of the files in the folder that they are packed from."""
    chunks: tuple[Any, ...]
    """The bytes of an uncompressed tar archive in pieces, or what stands for each of them."""


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


def pack(folder: Path, paths: Iterable[Path], keep: Callable[[bytes], Any] = bytes) -> Iterator[Pack]:
    """Pack files below a folder. Equal content under equal names gives equal bytes.

    A file that vanishes meanwhile is left out.

    Args:
        keep: function that takes each piece of an archive, and returns what stands for it.
    """
    found: dict[str, bytes] = {}
    size = 0
    for path in paths:
        name = path.relative_to(folder).as_posix()
        try:
            if path.stat().st_size > CHUNK:
                yield _kept((name,), _pieces(name, path), keep)
                continue
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        if found and size + len(content) > CHUNK:
            yield _kept(tuple(found), [_archive(found)], keep)
            found, size = {}, 0
        found[name] = content
        size += len(content)
    if found:
        yield _kept(tuple(found), [_archive(found)], keep)


def unpack(one: Pack, folder: Path, fetch: Callable[[Any], bytes] = bytes) -> None:
    """Unpack an archive into a folder.

    Args:
        fetch: function that returns the piece that something stands for.

    Raises:
        InputError: its bytes are not those that were sent.
        OSError: the files cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    # What is larger is on the disk.
    with tempfile.SpooledTemporaryFile(2 * CHUNK, dir=str(folder)) as stream:
        for chunk in one.chunks:
            content = fetch(chunk)
            digest.update(content)
            stream.write(content)
        if digest.hexdigest() != one.sha256:
            raise InputError(
                f"{folder}: expected an archive with the SHA-256 {one.sha256}, received {digest.hexdigest()}."
            )
        stream.seek(0)
        with tarfile.open(fileobj=stream) as archive:
            _extract(archive, folder)


def unpack_once(one: Pack, store: Path, fetch: Callable[[Any], bytes] = bytes) -> None:
    """Unpack an archive into the folder of its name in a store, unless it is there. Others may do the same at once."""
    target, partial = store / one.sha256, store / f".{uuid4().hex}"
    if target.is_dir():
        return
    try:
        unpack(one, partial, fetch)
        try:
            partial.rename(target)
        except OSError:
            # Somebody else was faster.
            if not target.is_dir():
                raise
    finally:
        remove_folder(partial)


def _kept(names: tuple[str, ...], pieces: Iterable[bytes], keep: Callable[[bytes], Any]) -> Pack:
    digest, kept = hashlib.sha256(), []
    for piece in pieces:
        digest.update(piece)
        kept.append(keep(piece))
    return Pack(digest.hexdigest(), names, tuple(kept))


def _archive(found: Mapping[str, bytes]) -> bytes:
    """Bytes of an archive with some small files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, content in found.items():
            archive.addfile(_entry(name, len(content)), io.BytesIO(content))
    return stream.getvalue()


def _pieces(name: str, path: Path) -> Iterator[bytes]:
    """Bytes of an archive with one large file, piece by piece."""
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        yield _entry(name, size).tobuf(tarfile.PAX_FORMAT)
        while piece := stream.read(CHUNK):
            yield piece
    yield bytes(-size % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE)


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    return entry


def _extract(archive: tarfile.TarFile, folder: Path) -> None:
    # `extractall` takes a filter only from Python 3.11.4 on.
    for member in archive:
        name, content = PurePosixPath(member.name), archive.extractfile(member)
        if content is None or name.is_absolute() or ".." in name.parts:
            raise InputError(f"{folder}: expected an archive of files, found '{member.name}' in it.")
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("wb") as target:
            shutil.copyfileobj(content, target, 2**20)


def _counts(name: str) -> bool:
    return not name.endswith(".pyc")
