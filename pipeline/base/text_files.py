"""Text from outside: UTF-8 without control characters, or an error that names the file and the line."""

import re
from pathlib import Path

from pipeline.base.errors import InputError

LARGEST = 1 << 20
"""Bytes of the largest file that is read as something which a person has written."""
UNPRINTABLE = re.compile("[^\t\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""A character that no editor shows: controls, line breaks other than the line feed, byte order marks, surrogates."""


def read_text(path: Path, remedy: str, largest: int = LARGEST) -> str:
    r"""Read a text file of UTF-8. Line ends \r\n become \n, a byte order mark in front is left out.

    Args:
        remedy: sentence that says how to get a good file; it ends each error.
        largest: number of bytes beyond which a file is refused unread.

    Raises:
        InputError: there is no such file, it cannot be read, it is too large, or it is not plain text.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected a text file, found none. {remedy}")
    try:
        with path.open("rb") as stream:
            content = stream.read(largest + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}). {remedy}") from None
    if len(content) > largest:
        raise InputError(f"{path}: expected a text file of at most {largest} bytes, found more. {remedy}")
    try:
        text = content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"0x{content[error.start]:02x}"
        raise InputError(f"{path}, line {line}: expected text in UTF-8, found {found}. Save it as UTF-8.") from None
    text = text.replace("\r\n", "\n")
    check_printable(text, str(path))
    return text


def check_printable(text: str, source: str) -> None:
    """Refuse text with characters that no editor shows, tabs and line feeds excepted.

    Args:
        source: names the text in errors.

    Raises:
        InputError: there is such a character; the message has its line.
    """
    if found := UNPRINTABLE.search(text):
        raise InputError(
            f"{source}, line {line_of(text, found.start())}: expected printable text, found the character "
            f"U+{ord(found[0]):04X}. Remove it."
        )


def line_of(text: str, position: int) -> int:
    """Number of the line that holds the character at `position`; the first line is 1."""
    return text.count("\n", 0, position) + 1
