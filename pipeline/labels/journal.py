"""The journal of an unfinished run: which of its files are whole, so that the run can go on after a kill."""

import re
from collections.abc import Iterable
from pathlib import Path

from pipeline.base.files import append_text, make_folder, sha256


class Journal:
    """A file that gets a line with the SHA-256 and the name of each file that is whole.

    A line that a kill has torn does not count. A file whose content has changed since does not count either.

    Args:
        path: the journal, which need not exist yet.
        folder: folder of the files that the journal is about; it is made.

    Attributes:
        sums: SHA-256 of each whole file by its name.
    """

    def __init__(self, path: Path, folder: Path) -> None:
        self._path, self._folder = path, folder
        make_folder(folder)
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        lines = re.findall(r"^([0-9a-f]{64})  (.+)\n", text, re.MULTILINE)
        self.sums = {name: digest for digest, name in lines if self._is_whole(name, digest)}

    def has(self, name: str) -> bool:
        """Whether a file is whole."""
        return name in self.sums

    def add(self, names: Iterable[str]) -> None:
        """Record those of some files that exist; their content is on the disk already."""
        new = {name: sha256(self._folder / name) for name in names if (self._folder / name).is_file()}
        # Each line begins afresh, as a torn last line would swallow the first of these.
        append_text(self._path, "".join(f"\n{digest}  {name}\n" for name, digest in new.items()))
        self.sums |= new

    def _is_whole(self, name: str, digest: str) -> bool:
        path = self._folder / name
        return path.is_file() and sha256(path) == digest
