"""A disk that fails: the operating system's calls on one folder, one of which goes wrong.

A call may end in an error, may take only half of what it is to write, or may be the last one before the power is cut.
After a cut, a file has the content and a folder the names of their last `fsync`.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ERRORS = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EACCES)
CALLS = ("open", "write", "ftruncate", "fsync", "replace", "rename", "mkdir", "unlink", "rmdir")


class PowerCut(BaseException):
    """The machine stops here."""


class Disk:
    """The disk under `root`.

    Args:
        root: folder whose files are on the disk; it exists.
        fault: called with the number and the name of each call before it is made; it may raise, or return 'short'.
    """

    def __init__(self, root: Path, fault: Callable[[int, str], str | None] = lambda number, call: None) -> None:
        self.root, self._fault, self.calls = root, fault, 0
        self._content: dict[int, bytes] = {}
        self._names: dict[int, dict[str, int]] = {}
        self._held: list[int] = []
        self._open = os.open
        self._remember(root)

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Put the disk's calls in the place of the system's."""
        with pytest.MonkeyPatch.context() as patch:
            for name in CALLS:
                patch.setattr(os, name, self._call(name, getattr(os, name)))
            patch.setattr(fcntl, "flock", self._call("flock", fcntl.flock))
            yield

    def restart(self) -> None:
        """Leave in `root` what a cut of the power would have left."""
        after = self.root.with_name(f"{self.root.name}.after")
        self._restore(after, self.root.stat().st_ino)
        shutil.rmtree(self.root)
        after.rename(self.root)
        for descriptor in self._held:
            os.close(descriptor)

    def _call(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            places = self._places(name, arguments, options)
            if not any(place.is_relative_to(self.root) for place in places):
                return real(*arguments, **options)
            kind = self._fault(self.calls, name)
            self.calls += 1
            if name == "write" and kind == "short" and len(arguments[1]) > 1:
                return real(arguments[0], arguments[1][: len(arguments[1]) // 2])
            if name in ("replace", "rename", "unlink", "rmdir"):
                # An open file keeps its number, which is then not given to another file.
                self._held += [self._open(place, os.O_RDONLY) for place in places if place.exists()]
            result = real(*arguments, **options)
            if name == "fsync":
                self._sync(arguments[0])
            if name == "mkdir":
                self._names[places[0].stat().st_ino] = {}
            return result

        return call

    def _places(self, name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> list[Path]:
        """What a call is about; nothing for a call that changes nothing."""
        if name == "open" and not arguments[1] & os.O_CREAT:
            return []
        if isinstance(arguments[0], int):
            return [_place(arguments[0])]
        folder = options.get("dir_fd")
        above = Path() if folder is None else _place(folder)
        return [above / os.fsdecode(place) for place in arguments[: 2 if name in ("replace", "rename") else 1]]

    def _sync(self, descriptor: int) -> None:
        place, number = _place(descriptor), os.fstat(descriptor).st_ino
        if place.is_dir():
            self._names[number] = {path.name: path.stat().st_ino for path in place.iterdir()}
        else:
            self._content[number] = Path(f"/proc/self/fd/{descriptor}").read_bytes()

    def _remember(self, folder: Path) -> None:
        self._names[folder.stat().st_ino] = {path.name: path.stat().st_ino for path in folder.iterdir()}
        for path in folder.iterdir():
            if path.is_dir():
                self._remember(path)
            else:
                self._content[path.stat().st_ino] = path.read_bytes()

    def _restore(self, folder: Path, number: int) -> None:
        folder.mkdir()
        for name, child in self._names[number].items():
            if child in self._names:
                self._restore(folder / name, child)
            else:
                (folder / name).write_bytes(self._content.get(child, b""))


def _place(descriptor: int) -> Path:
    """The file that is open under a number."""
    return Path(str(Path(f"/proc/self/fd/{descriptor}").readlink()).removesuffix(" (deleted)"))
