"""Files and folders that appear whole or not at all, and that survive a loss of power once they have appeared.

Everything that the pipeline keeps is written, renamed and removed here, except downloads, which arrive in pieces.
"""

import contextlib
import errno
import fcntl
import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Error numbers of a failed write for lack of space, on the disk or in a quota."""
PARTIAL = ".partial"
"""Suffix of the hidden file or folder that becomes another one when it is complete."""


def write_bytes(path: Path, content: bytes | memoryview) -> None:
    """Write a file in one step: whoever reads `path` finds its old content or all of `content`.

    The content goes to a hidden file beside `path`, is forced to the disk, and is renamed. A process that is killed
    leaves at most the hidden file, which the next write to `path` takes over. Two writers of one path take turns.

    Raises:
        OSError: the file cannot be written. The error carries `path`, and the old content is still there.
    """
    with named(path):
        make_folder(path.parent)
        partial = partial_of(path)
        descriptor = _open_alone(partial)
        try:
            os.ftruncate(descriptor, 0)
            _write_all(descriptor, memoryview(content))
            os.fsync(descriptor)
            partial.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise
        finally:
            os.close(descriptor)
        sync_folder(path.parent)


def write_atomically(path: Path, write: Callable[[BinaryIO], Any]) -> None:
    """Call `write` with a stream in memory, and write what it received as `write_bytes` does."""
    # A library that meets a full disk raises errors of its own, which name no file.
    stream = io.BytesIO()
    write(stream)
    write_bytes(path, stream.getbuffer())


def write_text(path: Path, content: str) -> None:
    """Write text as UTF-8, as `write_bytes` does."""
    write_bytes(path, content.encode("utf-8"))


def write_json(path: Path, content: Any) -> None:
    """Write `content` with sorted keys, so that equal content gives equal bytes."""
    write_text(path, json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n")


def append_text(path: Path, content: str) -> None:
    """Add text to a file, which is forced to the disk. A kill may tear what is added; it leaves alone what was there.

    Raises:
        OSError: the file cannot be written. The error carries `path`.
    """
    with named(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        try:
            _write_all(descriptor, memoryview(content.encode("utf-8")))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_folder(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and the folders above it, which then survive a loss of power."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    for place in reversed(missing):
        with named(place):
            place.mkdir(exist_ok=True)
            sync_folder(place.parent)


def remove_folder(folder: Path) -> None:
    """Remove a folder with everything in it. It may be missing, or half removed by a process that was killed."""
    with named(folder):
        if folder.exists():
            shutil.rmtree(folder)
            sync_folder(folder.parent)


def replace_folder(folder: Path, complete: Path) -> None:
    """Put the folder `complete` in the place of `folder`, which may be on another file system.

    At every moment, `complete` or its copy at `folder` is whole: after a kill, call it again if `complete` is there.
    """
    make_folder(folder.parent)
    with named(folder):
        remove_folder(folder)
        try:
            complete.rename(folder)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            copy = partial_of(folder)
            remove_folder(copy)
            shutil.copytree(complete, copy)
            _sync_content(copy)
            copy.rename(folder)
        sync_folder(folder.parent)
        remove_folder(complete)
        sync_folder(complete.parent)


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network file systems have no such operation, and write names at once.
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(descriptor)


def partial_of(path: Path) -> Path:
    """Hidden place, beside `path`, of what will become it."""
    return path.with_name(f".{path.name}{PARTIAL}")


def remove_partials(folder: Path) -> None:
    """Remove what writers that were killed have left directly in a folder. Nobody else may write there meanwhile."""
    for path in folder.glob(f".*{PARTIAL}"):
        with named(path):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def sha256(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextlib.contextmanager
def named(path: Path) -> Iterator[None]:
    """Give errors of the operating system in the body the name of the file that is meant.

    The system's own message has no name, or that of a hidden file.
    """
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def _open_alone(path: Path) -> int:
    """Open a file for writing that no other process has open in this way; wait until that is so."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Whoever had it open may have renamed or removed it meanwhile.
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _write_all(descriptor: int, content: memoryview) -> None:
    """Write all of `content`; the system may take less of it at a time."""
    content = content.cast("B")
    while content:
        content = content[os.write(descriptor, content) :]


def _sync_content(folder: Path) -> None:
    """Force everything below a folder to the disk."""
    for path in (*folder.rglob("*"), folder):
        if path.is_dir():
            sync_folder(path)
        else:
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
