"""Uniform view of the members of a zip or tar.gz archive. `pipeline.downloads.placement` decides what is written."""

import gzip
import io
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple, cast

from pipeline.base.errors import InputError
from pipeline.downloads.bounded import BoundedFile, ForwardGzip
from pipeline.downloads.digest import CHUNK

DAMAGES = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    struct.error,
    ValueError,
    LookupError,
    OverflowError,
    # Compression or encryption that the standard library cannot read.
    NotImplementedError,
    RuntimeError,
)
"""Exceptions that reading a damaged archive may raise."""
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Compression methods of a zip file that are read. Others may ask for gigabytes of memory."""
MOST_MEMBERS = 500_000
"""Number of members that an archive may have."""
HEADER, PADDING = 4096, 64 << 20
"""Bytes of a tar file that a member may take in addition to its content, and that may follow the last one."""
LONGEST_PATH = 4096
"""Bytes of the longest path on Linux."""


class Member(NamedTuple):
    """Entry of an archive."""

    name: str
    """Name as stored in the archive."""
    kind: Literal["file", "folder", "link", "other"]
    size: int
    """Size of an unpacked file in bytes as the archive states it, 0 for a link or a folder."""
    target: str | None
    """Target of a link, relative to the root of the archive. None where it lies outside, and for other kinds."""

    @property
    def path(self) -> PurePosixPath:
        return PurePosixPath(self.name)


class Archive(NamedTuple):
    """Open archive."""

    members: tuple[Member, ...]
    open: Callable[[int], BufferedIOBase]
    """Function that opens the file of a given index in `members`. Reading it to the end verifies its checksum.

    Files of a tar archive can be opened in the order of the indices only, each once.
    """
    finish: Callable[[], None]
    """Function that reads and checks the data after the last file."""


@contextmanager
def open_archive(path: Path, limit: int) -> Iterator[Archive]:
    """Open an archive, whose suffix .zip, .tar.gz or .tgz selects the format. Damage raises one of `DAMAGES`.

    Args:
        limit: bytes that all files may have together. No more is decompressed, whatever sizes the archive states.

    Raises:
        InputError: the suffix is a different one.
    """
    if path.name.endswith(".zip"):
        with BoundedFile(io.FileIO(path)) as stream, zipfile.ZipFile(stream) as archive:
            infos = archive.infolist()
            _check_count(len(infos))
            members = tuple(_zip_member(archive, info) for info in infos)
            yield Archive(members, lambda index: _zip_content(archive, infos[index]), lambda: None)
    elif path.name.endswith((".tar.gz", ".tgz")):
        # A first pass lists the members, so that nothing is written of an archive that is refused.
        with _open_tar(path, limit + PADDING) as (stream, archive):
            entries = list(_entries(stream, archive))
        members = tuple(map(_tar_member, entries))
        with _open_tar(path, stream.limit) as (stream, archive):
            yield Archive(members, lambda index: _tar_content(archive, entries[index]), lambda: _read_on(stream))
    else:
        raise InputError(
            f"{path}: expected a .zip or .tar.gz archive by its name, found another one. Correct `url` in "
            "downloads.yaml."
        )


class _PlainTarInfo(tarfile.TarInfo):
    """Header of a tar member without holes. A list of holes may have any length, and is read into memory at once."""

    def _refuse(self, *_: object) -> tarfile.TarInfo:
        raise tarfile.ReadError("a file with holes, which is not read")

    _proc_sparse = _proc_gnusparse_00 = _proc_gnusparse_01 = _proc_gnusparse_10 = _refuse


@contextmanager
def _open_tar(path: Path, limit: int) -> Iterator[tuple[ForwardGzip, tarfile.TarFile]]:
    with (
        ForwardGzip(path, limit) as stream,
        tarfile.open(fileobj=stream, mode="r:", tarinfo=_PlainTarInfo) as archive,
    ):
        yield stream, archive


def _entries(stream: ForwardGzip, archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for count, entry in enumerate(archive, start=1):
        _check_count(count)
        stream.limit += HEADER
        # Each header has a copy of all fields that hold for the whole archive.
        entry.pax_headers = {}
        yield entry


def _check_count(count: int) -> None:
    if count > MOST_MEMBERS:
        raise tarfile.ReadError(f"it has more than {MOST_MEMBERS} members")


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    if info.compress_type not in COMPRESSIONS:
        raise zipfile.BadZipFile(f"'{info.filename}' has the compression {info.compress_type}, which is not read")
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        with archive.open(info) as stream:
            target = stream.read(LONGEST_PATH).decode("utf-8", "replace")
        return Member(info.filename, "link", 0, _from_root(info.filename, target))
    if info.is_dir():
        return Member(info.filename, "folder", 0, None)
    # Archives made on systems other than Unix store no mode.
    plain = stat.S_IFMT(mode) in (0, stat.S_IFREG)
    return Member(info.filename, "file" if plain else "other", info.file_size, None)


def _tar_member(entry: tarfile.TarInfo) -> Member:
    if entry.issym():
        return Member(entry.name, "link", 0, _from_root(entry.name, entry.linkname))
    if entry.islnk():
        return Member(entry.name, "link", 0, _from_root("", entry.linkname))
    kind = "file" if entry.isreg() else "folder" if entry.isdir() else "other"
    return Member(entry.name, kind, entry.size if kind == "file" else 0, None)


def _zip_content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> BufferedIOBase:
    # The stub of zipfile declares IO[bytes], which is neither the class that is returned nor a base of it.
    return cast("BufferedIOBase", archive.open(info))


def _tar_content(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> BufferedIOBase:
    content = archive.extractfile(entry)
    if content is None:
        raise tarfile.ReadError(f"'{entry.name}' is neither a file nor a link to one")
    # The stub of tarfile declares IO[bytes], too.
    return cast("BufferedIOBase", content)


def _from_root(name: str, target: str) -> str | None:
    """Resolve the target of a link relative to the archive root. Only names are used. None where it lies outside."""
    if target.startswith("/"):
        return None
    parts = list(PurePosixPath(name).parts[:-1])
    for part in PurePosixPath(target).parts:
        if part != "..":
            parts.append(part)
        elif parts:
            parts.pop()
        else:
            return None
    return "/".join(parts)


def _read_on(stream: gzip.GzipFile) -> None:
    """Read a stream to its end, where gzip verifies the checksum."""
    while stream.read(CHUNK):
        pass
