"""What is fitted to a category's tokens on disk: named arrays of single precision in one safetensors file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from safetensors.numpy import load, save

from pipeline.base.checksums import checked, write_checksums
from pipeline.base.contents import parsing
from pipeline.base.errors import InputError
from pipeline.base.files import write_bytes

Arrays = TypeVar("Arrays", bound=tuple[np.ndarray, ...])
"""A NamedTuple of arrays."""


def write_arrays(path: Path, arrays: Any) -> None:
    """Write a NamedTuple of arrays, and the checksums of its folder; equal content gives equal bytes."""
    write_bytes(path, save({name: np.ascontiguousarray(array) for name, array in arrays._asdict().items()}))
    write_checksums(path.parent)


def read_arrays(path: Path, kind: Callable[..., Arrays], what: str, fits: Callable[[Arrays], bool]) -> Arrays:
    """Read what `write_arrays` wrote.

    Args:
        kind: the NamedTuple.
        what: names the content in errors.
        fits: whether the shapes of the arrays belong together.

    Raises:
        InputError: there is no such file, or it is damaged.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected {what}, found none. Run the stage `pca`.")
    with parsing(checked(path), what):
        arrays = kind(**load(path.read_bytes()))
        if not fits(arrays):
            raise ValueError(f"arrays of the shapes {[list(array.shape) for array in arrays]}")
        if not all(array.dtype == np.float32 and np.isfinite(array).all() for array in arrays):
            raise ValueError("other numbers than finite ones of single precision")
        return arrays
