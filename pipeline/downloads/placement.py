"""Which member of an archive is written where, and the safety rules that the members must satisfy before."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from pipeline.base.errors import InputError
from pipeline.downloads.disk import in_words
from pipeline.downloads.members import Member

LONGEST_NAME, LONGEST_PATH = 255, 3000
"""Bytes of a file name, and of a path within an archive. Linux allows 4096 bytes with the folders above."""


def place_members(members: Sequence[Member], source: Path, limit: int) -> dict[PurePosixPath, int]:
    """Map each file to write to the index of the member that holds its content.

    A link becomes a copy of the file that it points to, so that unpacking writes no links.

    Args:
        source: the archive, for errors.
        limit: bytes that the written files may have together.

    Raises:
        InputError: a member would be written outside of the folder or over another one, has a name that is no file
            name, is a device, or is a link whose target is not a file of the archive; or all are too large.
    """
    files: dict[PurePosixPath, int] = {}
    for index, member in enumerate(members):
        path = _checked_path(member, source)
        if member.kind == "other":
            raise _refused(source, member, "is neither file nor folder nor link")
        if member.kind == "file":
            if path in files:
                raise _refused(source, member, "is there twice")
            files[path] = index
    placed = dict(files)
    for member in members:
        if member.kind == "link":
            target = PurePosixPath(member.target) if member.target else None
            if target not in files:
                raise _refused(source, member, "is a link to something that is no file of the archive")
            if member.path in placed:
                raise _refused(source, member, "is there twice")
            placed[member.path] = files[target]
    folders = {above for path in placed for above in path.parents}
    for member in members:
        if member.path in placed if member.kind == "folder" else member.path in folders:
            raise _refused(source, member, "is a file and a folder")
    _check_size(sum(members[index].size for index in placed.values()), source, limit)
    return placed


def _checked_path(member: Member, source: Path) -> PurePosixPath:
    """Path of a member, which leads to a place below the folder."""
    path = member.path
    if path.is_absolute() or ".." in path.parts:
        raise _refused(source, member, "would be written outside of the folder")
    if not path.parts and member.kind != "folder":
        raise _refused(source, member, "has no name")
    longest = max((len(os.fsencode(part)) for part in path.parts), default=0)
    if longest > LONGEST_NAME or len(os.fsencode(path)) > LONGEST_PATH or not member.name.isprintable():
        raise _refused(source, member, "has a name that is not allowed here")
    return path


def _check_size(size: int, source: Path, limit: int) -> None:
    if size > limit:
        raise InputError(
            f"{source}: expected files of at most {in_words(limit)}, found {in_words(size)} as it states itself; "
            "nothing was unpacked. Delete it, unless the release has grown: then correct `approximate_gigabytes` in "
            "downloads.yaml."
        )


def _refused(source: Path, member: Member, reason: str) -> InputError:
    return InputError(
        f"{source}: the member {member.name[:200]!r} {reason}; nothing was unpacked. Such an archive is not to be "
        "trusted: delete it, and compare its address with the page of the release."
    )
