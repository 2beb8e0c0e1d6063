"""Readers that do what no reader must, each in one way."""

import os
import sys
import warnings
from pathlib import Path
from typing import Any

from faults.kind import Kind, Skipped
from pipeline.base.errors import InputError

CONTENT = b"content " * 8


def letter(root: Path) -> None:
    """A short text."""
    (root / "letter.txt").write_bytes(CONTENT)


def _changed(root: Path) -> bool:
    return (root / "letter.txt").read_bytes() != CONTENT


def _trust(root: Path) -> str:
    return "content"


def _skip(root: Path) -> None:
    if _changed(root):
        raise Skipped("letter.txt")


def _refuse(root: Path) -> None:
    if _changed(root):
        raise InputError(f"{root / 'letter.txt'}: expected the content, found another one. Restore it.")


def _be_vague(root: Path) -> None:
    if _changed(root):
        raise InputError("something is wrong")


def _raise(root: Path) -> None:
    if _changed(root):
        raise KeyError("content")


def _return(root: Path) -> bytes:
    return (root / "letter.txt").read_bytes()


def _check(content: Any) -> None:
    assert content == CONTENT


def _warn(root: Path) -> None:
    if _changed(root):
        warnings.warn("something is wrong", stacklevel=1)


def _print(root: Path) -> None:
    if _changed(root):
        os.write(sys.__stderr__.fileno(), b"something is wrong")


def _open_outside(root: Path) -> None:
    if _changed(root):
        Path("/etc/passwd").read_bytes()


def _take_memory(root: Path) -> None:
    if _changed(root):
        bytearray(3 << 30)


def _hang(root: Path) -> None:
    while _changed(root):
        pass


def _crash(root: Path) -> None:
    if _changed(root):
        os.abort()


def _fail(root: Path) -> None:
    raise ValueError("the whole file is refused, too")


def _kind(outcome: str, read: Any, **options: Any) -> Kind:
    return Kind(f"careless: {outcome}", letter, "letter.txt", read, **options)


KINDS = (
    _kind("accepted", _trust),
    _kind("skipped", _skip),
    _kind("refused", _refuse),
    _kind("exception", _raise),
    _kind("vague", _be_vague),
    _kind("unnoticed", _return, exact=True),
    _kind("senseless", _return, check=_check),
    _kind("noisy", _warn),
    _kind("noisy, from C", _print),
    _kind("escaped", _open_outside),
    _kind("memory", _take_memory),
    _kind("hang", _hang),
    _kind("crash", _crash),
    _kind("baseline", _fail),
)
