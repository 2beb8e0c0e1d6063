"""Lists of names in text files, one a line, as PASCAL3D+ and SPair-71k have them."""

from pathlib import Path

from pipeline.base.errors import InputError
from pipeline.base.inside import is_name
from pipeline.base.text_files import read_text

LARGEST = 1 << 25
"""Bytes that a list may have: 32 MiB."""


def read_names(path: Path) -> list[str]:
    """Read the names of a list, in its order. Spaces round a name and empty lines do not count.

    Raises:
        InputError: the file is missing, not UTF-8, too large or empty, or a line is not the name of a file.
    """
    text = read_text(path, "Restore it from the release.", LARGEST)
    names = []
    for number, line in enumerate(text.split("\n"), 1):
        name = line.strip()
        if name and (not is_name(name) or name.split() != [name]):
            raise InputError(
                f"{path}, line {number}: expected one name of a file, found {name[:300]!r}. Correct the line, or "
                "restore the list from the release."
            )
        names += [name] if name else []
    if not names:
        raise InputError(f"{path}: expected names, one a line, found none. Restore it from the release.")
    return names
