"""Safe, atomic unpacking: a folder appears complete or not at all, and nothing is written outside of it."""

import hashlib
import shutil
from io import BufferedIOBase
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from pipeline.base.errors import InputError
from pipeline.downloads.digest import CHUNK, Digest
from pipeline.downloads.disk import require_space, write_error
from pipeline.downloads.members import DAMAGES, Archive, open_archive, resolve_links

BLOCK = 4096
"""Size of a file-system block in bytes. It matters because the releases hold tens of thousands of small files."""


def unpack(archive: Path, target: Path, folder: str) -> dict[str, Digest]:
    """Unpack an archive into the folder `target`, replacing its previous content.

    Args:
        folder: top-level folder that the archive must contain.

    Returns:
        Size and hash of each file, by its path relative to `target` with '/' as separator.

    Raises:
        InputError: the archive is damaged or unsafe, does not contain `folder`, or the disk is full. `target` is then
            unchanged.
    """
    temporary = target.with_name(f".{target.name}.unpacking")
    # A run that was killed may have left this folder.
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with open_archive(archive) as content:
            written = _write_all(content, archive, temporary, folder)
            content.finish()
        _replace(target, temporary)
    except InputError:
        raise
    except DAMAGES as error:
        raise InputError(
            f"{archive}: expected a whole archive, found a damaged one ({error}). Delete it and run this again to "
            "fetch it anew."
        ) from error
    except OSError as error:
        raise write_error(target, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return written


def _write_all(content: Archive, archive: Path, temporary: Path, folder: str) -> dict[str, Digest]:
    files = resolve_links(content.members, archive)
    if not any(path.is_relative_to(folder) for path in files):
        raise InputError(
            f"{archive}: expected files in the folder {folder}, found none: this is another archive. Delete it, or "
            "correct `folder` in downloads.yaml."
        )
    sizes = {path: content.members[index].size for path, index in files.items()}
    require_space(temporary.parent, sum(-(-size // BLOCK) * BLOCK for size in sizes.values()), "unpacking")
    written = {}
    with tqdm(total=sum(sizes.values()), desc=f"{archive.name}: unpacking", unit="B", unit_scale=True) as progress:
        # Members are read in archive order, because seeking backwards in a compressed tar file is slow.
        for path, index in sorted(files.items(), key=lambda item: item[1]):
            with content.open(index) as source:
                written[str(path)] = _write(source, temporary / path, progress)
    _make_folders(content, temporary)
    return written


def _write(source: BufferedIOBase, path: Path, progress: tqdm) -> Digest:
    path.parent.mkdir(parents=True, exist_ok=True)
    hasher = hashlib.sha256()
    with path.open("wb") as stream:
        while chunk := source.read(CHUNK):
            hasher.update(chunk)
            stream.write(chunk)
            progress.update(len(chunk))
        return Digest(stream.tell(), hasher.hexdigest())


def _make_folders(content: Archive, temporary: Path) -> None:
    """Make every folder of the archive, empty folders included."""
    for member in content.members:
        if member.kind == "folder":
            (temporary / PurePosixPath(member.name)).mkdir(parents=True, exist_ok=True)


def _replace(target: Path, temporary: Path) -> None:
    """Move `temporary` to `target`, which may exist. The old folder is restored if the move fails."""
    old = target.with_name(f".{target.name}.replaced")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    try:
        temporary.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)
