"""A kind of file that the project reads, with a valid example and the reader."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Form = Literal["bytes", "text", "json", "yaml"]
"""Form of a file's content, which says what may be wrong with it."""


class Skipped(Exception):  # noqa: N818 - it is no error
    """The reader recorded that it left the file out, and went on."""


def accept(value: Any) -> None:
    """Check nothing of what a reader returns."""


@dataclass(frozen=True)
class Kind:
    """One kind of file."""

    name: str
    make: Callable[[Path], None]
    """Writes a folder with valid files. Kinds may share a folder: it is made once."""
    path: str
    """The file to damage, relative to the folder."""
    read: Callable[[Path], Any]
    """Reads the folder through the project's own reader; raises `Skipped` where that recorded a skip."""
    form: Form = "bytes"
    check: Callable[[Any], None] = accept
    """Asserts that what was read makes sense: what follows in the pipeline relies on it."""
    exact: bool = False
    """Whether the reader must find every change, so that it returns the original content or nothing."""
    prepare: Callable[[Path], None] = accept
    """Called with the folder after the damage, before the reading: a stranger may write a fitting list of checksums."""
    names: tuple[str, ...] = ()
    """What an error may name instead of the file."""


def file_kind(
    name: str,
    make: Callable[[Path], None],
    path: str,
    reader: Callable[[Path], Any],
    form: Form = "bytes",
    check: Callable[[Any], None] = accept,
) -> Kind:
    """A kind whose reader is a function of the path of the file."""
    return Kind(name, make, path, lambda root: reader(root / path), form, check)
