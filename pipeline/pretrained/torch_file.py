"""Named tensors in a file of `torch.save`, read without running anything in it and without trusting its sizes."""

import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.base.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

LONGEST_INDEX = 64 * 2**20
"""Bytes of the longest list of tensors in a file; that of the released networks has 0.3 MB."""


def read_tensors(path: Path, title: str, remedy: str) -> "Mapping[str, Tensor]":
    """Read the tensors of a checkpoint. They are mapped from the file, and take memory when they are used.

    Args:
        title: whose weights are expected, for the error; so is `remedy`, a sentence.

    Raises:
        InputError: the file is missing, truncated, damaged or of another kind.
    """
    import torch

    def wrong(found: str) -> InputError:
        return InputError(
            f"{path}: expected the weights of {title}, a PyTorch file of named tensors, found {found}. {remedy}"
        )

    if not path.is_file():
        raise wrong("none")
    size = path.stat().st_size
    try:
        _check_archive(path, size)
        content = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    # Whatever the libraries make of a file that is no checkpoint.
    except Exception as error:
        raise wrong(f"{size} bytes that are truncated, damaged or something else ({_reason(error)})") from None
    if not isinstance(content, Mapping) or not content:
        raise wrong("other content")
    for name, value in content.items():
        if not isinstance(value, torch.Tensor) or value.layout != torch.strided or value.is_quantized:
            raise wrong(f"something else at '{name}'")
    return content


def _reason(error: Exception) -> str:
    """The line of a message that says what was wrong, without torch's advice to load the file nevertheless."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).split("WeightsUnpickler error: ")[-1].strip()
    return text.split("\n")[0][:200] or type(error).__name__


def _check_archive(path: Path, size: int) -> None:
    """Check what the archive says of itself: nothing in it is compressed, so that nothing grows when it is read.

    Raises:
        ValueError: an entry is compressed or longer than the file.
        zipfile.BadZipFile: the file is no archive, or its end is missing.
    """
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > size:
                raise ValueError(f"'{entry.filename}' would take {entry.file_size} bytes of memory")
            if entry.filename.endswith("data.pkl") and entry.file_size > LONGEST_INDEX:
                raise ValueError(f"'{entry.filename}' has {entry.file_size} bytes")
