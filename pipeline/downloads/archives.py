"""Safe, atomic unpacking: a folder appears complete or not at all, and nothing is written outside of it."""

import hashlib
import shutil
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from pipeline.base.errors import InputError
from pipeline.base.files import named, replace_folder
from pipeline.downloads.digest import CHUNK, Digest
from pipeline.downloads.disk import require_space, write_error
from pipeline.downloads.members import DAMAGES, Archive, open_archive
from pipeline.downloads.placement import place_members

BLOCK = 4096
"""Size of a file-system block in bytes. It matters because the releases hold tens of thousands of small files."""


def unpack(archive: Path, target: Path, folder: str, limit: int) -> dict[str, Digest]:
    """Unpack an archive into the folder `target`, replacing its previous content.

    Nothing in the archive is executed, and files are written without the rights that it states.

    Args:
        folder: top-level folder that the archive must contain.
        limit: bytes that the files may have together.

    Returns:
        Size and hash of each file, by its path relative to `target` with '/' as separator.

    Raises:
        InputError: the archive is damaged or unsafe, does not contain `folder`, unpacks to more than `limit`, or the
            disk is full. `target` is then unchanged.
    """
    temporary = target.with_name(f".{target.name}.unpacking")
    # A run that was killed may have left this folder.
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with _explained(archive, target), open_archive(archive, limit) as content:
            files = place_members(content.members, archive, limit)
            if not any(path.is_relative_to(folder) for path in files):
                raise InputError(
                    f"{archive}: expected files in the folder {folder}, found none: this is another archive. Delete "
                    "it, or correct `folder` in downloads.yaml."
                )
            written = _write_all(content, archive.name, files, temporary)
            content.finish()
            replace_folder(target, temporary)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return written


@contextmanager
def _explained(archive: Path, target: Path) -> Iterator[None]:
    """Turn whatever reading and writing raise into an InputError."""
    again = "Delete it and run this again to fetch it anew."
    try:
        yield
    except InputError:
        raise
    except DAMAGES as error:
        raise InputError(f"{archive}: expected a whole archive, found a damaged one ({error}). {again}") from error
    except FileExistsError as error:
        raise InputError(
            f"{archive}: expected members with different names, found two that are one on this disk, "
            f"'{error.filename}'; nothing was unpacked. Put a link to a folder on a disk that tells capital letters "
            f"from small ones in the place of {target.parent}."
        ) from error
    except OSError as error:
        if error.filename is None or Path(error.filename) == archive:
            found = f"one that cannot be read ({error.strerror or error})"
            raise InputError(f"{archive}: expected a whole archive, found {found}. {again}") from error
        raise write_error(target, error) from error


def _write_all(content: Archive, title: str, files: dict[PurePosixPath, int], temporary: Path) -> dict[str, Digest]:
    """Write files, given the index of the member of each; returns their digests by path."""
    sizes = {path: content.members[index].size for path, index in files.items()}
    require_space(temporary.parent, sum(-(-size // BLOCK) * BLOCK for size in sizes.values()), "unpacking")
    paths = defaultdict(list)
    for path, index in files.items():
        paths[index].append(path)
    written = {}
    with tqdm(total=sum(sizes.values()), desc=f"{title}: unpacking", unit="B", unit_scale=True) as progress:
        # Members are read in archive order, because a tar file can only be read forwards.
        for index in sorted(paths):
            with content.open(index) as source:
                digest = _write(source, temporary / paths[index][0], content.members[index].size, progress)
            for copy in paths[index][1:]:
                with (temporary / paths[index][0]).open("rb") as source:
                    _write(source, temporary / copy, digest.bytes, progress)
            written |= {str(path): digest for path in paths[index]}
    _make_folders(content, temporary)
    return written


def _write(source: BufferedIOBase, path: Path, size: int, progress: tqdm) -> Digest:
    """Write a file, which must have the size that the archive states."""
    hasher = hashlib.sha256()
    path.parent.mkdir(parents=True, exist_ok=True)
    # A file system may take two names for one, so it is an error if the file is there.
    with path.open("xb") as stream:
        while chunk := source.read(CHUNK):
            hasher.update(chunk)
            with named(path):
                stream.write(chunk)
            progress.update(len(chunk))
        with named(path):
            stream.flush()
        found = stream.tell()
    if found != size:
        raise zipfile.BadZipFile(f"{path.name} has {found} bytes instead of the {size} that are stated")
    return Digest(found, hasher.hexdigest())


def _make_folders(content: Archive, temporary: Path) -> None:
    """Make every folder of the archive, empty folders included."""
    for member in content.members:
        if member.kind == "folder":
            (temporary / PurePosixPath(member.name)).mkdir(parents=True, exist_ok=True)
