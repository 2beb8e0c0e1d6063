"""Paths made of names that come from outside: they stay in their folder."""

import os
from pathlib import Path

from pipeline.base.errors import InputError

LONGEST = 255
"""Bytes that the name of a file may have."""


def inside(root: Path, *names: str) -> Path:
    """The path of a file below a folder, given the names on the way to it.

    No name leads out of the folder: each is that of one file or folder, and links below `root` point to what is below
    it too. `root` itself may be a link.

    Raises:
        InputError: a name is none, or a link leads out.
    """
    path, linked = str(root), False
    for name in names:
        if not is_name(name):
            raise InputError(
                f"{root}: expected the name of a file below this folder, found {name[:300]!r}. Correct the list, table "
                "or annotation that has it."
            )
        path = f"{path}/{name}"
        linked = linked or os.path.islink(path)  # noqa: PTH114 - called for each photograph, and three times as fast
    if linked and not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
        raise InputError(
            f"{path}: expected a file below {root}, found a link that leads to {os.path.realpath(path)}. Put a copy of "
            "the file in its place."
        )
    return Path(path)


def is_name(name: str) -> bool:
    """Whether a text can be the name of one file: printable, neither empty nor `.` nor `..`, without separators."""
    return (
        name.isprintable()
        and "/" not in name
        and name not in ("", ".", "..")
        and len(name.encode("utf-8", "surrogatepass")) <= LONGEST
    )
