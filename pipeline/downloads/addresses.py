"""Addresses of files in the internet: which are allowed, and how they are shown without secrets."""

import re
from urllib.parse import urlsplit

from pipeline.base.errors import InputError

SCHEMES = ("https://", "http://", "ftp://")
FILE_NAME = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9_.+ -]{0,199}")
"""Form of a file or folder name that a download may have. It cannot lead out of a folder."""


def check_address(url: str, key: str) -> None:
    """Check that `url` is the address of a file.

    Args:
        key: names the address in errors.

    Raises:
        InputError: the scheme is another one, there is no host or no file name, or a character must be escaped.
    """
    try:
        parts = urlsplit(url)
        valid = url.startswith(SCHEMES) and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not (valid and re.fullmatch(r"[!#-\[\]-~]+", url) and FILE_NAME.fullmatch(file_name(url))):
        found = without_secrets(re.sub("//.*@", "//", url))
        raise InputError(
            f"{key} must be the address of a file ({', '.join(SCHEMES)}) that ends in the file's name; found {found!r}."
            " Correct it."
        )


def check_path(name: str, key: str) -> None:
    """Check that `name` is a relative path that leads to a place below any folder.

    Args:
        key: names the path in errors.

    Raises:
        InputError: the path is absolute or empty, or a part is `..`, hidden or has characters other than letters,
            digits, spaces, `.`, `_`, `+` and `-`.
    """
    if not all(map(FILE_NAME.fullmatch, name.split("/"))):
        raise InputError(f"{key}: expected a relative path of plain names without '..', found {name!r}. Correct it.")


def file_name(url: str) -> str:
    """Name of the file at an address, which may have a query after it."""
    return urlsplit(url).path.rsplit("/", 1)[-1]


def without_secrets(text: str) -> str:
    """A text whose addresses have lost the user, the password and the query, where people put tokens."""
    return re.sub(r"([a-z]+://)(?:[^/@\s]*@)?([^\s?#]*)(?:[?#]\S*)?", r"\1\2", text)
