"""Uniform view of the members of a zip or tar.gz archive, and the safety rules that they must satisfy."""

import gzip
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple, cast

from pipeline.base.errors import InputError
from pipeline.downloads.digest import CHUNK

DAMAGES = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    struct.error,
    ValueError,
    # Compression or encryption that the standard library cannot read.
    NotImplementedError,
    RuntimeError,
)
"""Exceptions that reading a damaged archive may raise."""


class Member(NamedTuple):
    """Entry of an archive."""

    name: str
    """Name as stored in the archive."""
    kind: Literal["file", "folder", "link", "other"]
    size: int
    """Size of an unpacked file in bytes, 0 for a link or a folder."""
    target: str | None
    """Target of a link, relative to the root of the archive. None where it lies outside, and for other kinds."""

    @property
    def path(self) -> PurePosixPath:
        return PurePosixPath(self.name)


class Archive(NamedTuple):
    """Open archive."""

    members: tuple[Member, ...]
    open: Callable[[int], BufferedIOBase]
    """Function that opens the file of a given index in `members`. Reading it to the end verifies its checksum."""
    finish: Callable[[], None]
    """Function that reads and checks the data after the last file."""


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open an archive, whose suffix .zip, .tar.gz or .tgz selects the format. Damage raises one of `DAMAGES`.

    Raises:
        InputError: the suffix is a different one.
    """
    if path.name.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            members = tuple(_zip_member(archive, info) for info in infos)
            yield Archive(members, lambda index: _zip_content(archive, infos[index]), lambda: None)
    elif path.name.endswith((".tar.gz", ".tgz")):
        with gzip.open(path) as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
            entries = archive.getmembers()
            members = tuple(_tar_member(entry) for entry in entries)
            yield Archive(members, lambda index: _tar_content(archive, entries[index]), lambda: _read_on(stream))
    else:
        raise InputError(f"{path}: expected a .zip or .tar.gz archive by its name.")


def resolve_links(members: Sequence[Member], source: Path) -> dict[PurePosixPath, int]:
    """Map each file to write to the index of the member that holds its content.

    A link becomes a copy of the file that it points to, so that unpacking writes no links.

    Raises:
        InputError: a member would be written outside of the folder, is a device, or is a link whose target is not a
            file of the archive.
    """
    files = {_inside(member, source): index for index, member in enumerate(members) if member.kind == "file"}
    links = {}
    for member in members:
        path = _inside(member, source)
        if member.kind == "other":
            raise _refused(source, member, "is neither file nor folder nor link")
        if member.kind == "link":
            target = PurePosixPath(member.target) if member.target else None
            if target not in files:
                raise _refused(source, member, "is a link to something that is no file of the archive")
            links[path] = files[target]
    return {**files, **links}


def _inside(member: Member, source: Path) -> PurePosixPath:
    if member.path.is_absolute() or ".." in member.path.parts:
        raise _refused(source, member, "would be written outside of the folder")
    return member.path


def _refused(source: Path, member: Member, reason: str) -> InputError:
    return InputError(
        f"{source}: the member '{member.name}' {reason}; nothing was unpacked. Such an archive is not to be trusted: "
        "delete it, and compare its address with the page of the release."
    )


def _zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        # 4096 bytes is the longest path that Linux allows.
        with archive.open(info) as stream:
            target = stream.read(4096).decode("utf-8", "replace")
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
    return Member(entry.name, kind, entry.size, None)


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
