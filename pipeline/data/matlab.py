"""MATLAB 5 files: writing that gives equal bytes for equal content, reading that tells damage in words."""

import io
import warnings
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
import scipy.io
from scipy.io.matlab import MatReadError, mat_struct

from pipeline.base.errors import InputError
from pipeline.base.files import write_bytes

EMPTY = np.empty((0, 0))
"""MATLAB's [], which stands for a value that is not known."""

# A MATLAB 5 file begins with 116 bytes of free text, where scipy puts the time of writing.
_HEADER = b"MATLAB 5.0 MAT-file".ljust(116)

# Damaged bytes lead scipy to any of these.
_DAMAGE = (
    MatReadError,
    NotImplementedError,
    IndexError,
    KeyError,
    OSError,
    TypeError,
    ValueError,
    Warning,
    zlib.error,
)


def write_variable(path: Path, name: str, value: Any) -> None:
    """Write one variable; mappings become structs, `struct_array` struct arrays."""
    stream = io.BytesIO()
    scipy.io.savemat(stream, {name: value}, do_compression=True, long_field_names=True, oned_as="row")
    write_bytes(path, _HEADER + stream.getvalue()[len(_HEADER) :])


def read_variable(path: Path, name: str) -> Any:
    """Read one variable: structs as `mat_struct`, struct arrays as arrays of them, dimensions of length 1 removed.

    Raises:
        InputError: the file or the variable is missing, or the file is truncated or damaged.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected a MATLAB file, found none. Restore it from the release.")
    try:
        with warnings.catch_warnings():
            # Damage within a variable is a warning to scipy, and its text the value.
            warnings.filterwarnings("error", message="Unreadable variable")
            content = scipy.io.loadmat(path, variable_names=[name], struct_as_record=False, squeeze_me=True)
    except _DAMAGE as error:
        raise InputError(
            f"{path}: expected a MATLAB 5 file, found {path.stat().st_size} bytes that are truncated or damaged "
            f"({error}). Fetch the file again."
        ) from error
    if name not in content:
        raise InputError(f"{path}: expected the variable '{name}', found none. Fetch the file again.")
    return content[name]


def struct_array(rows: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> np.ndarray:
    """A 1 x N struct array with `fields`, in their order."""
    array = np.empty((1, len(rows)), dtype=[(field, object) for field in fields])
    for i, row in enumerate(rows):
        for field in fields:
            array[field][0, i] = row[field]
    return array


def structs(value: Any) -> list[mat_struct]:
    """The structs of a struct, a struct array or an empty value."""
    return [item for item in np.atleast_1d(value).ravel() if isinstance(item, mat_struct)]


def field(struct: mat_struct, name: str) -> Any:
    """A field's value, or an empty one where the struct has no such field."""
    return getattr(struct, name, EMPTY)


def number(value: Any) -> float | None:
    """The first number of a value; None where it is empty, not a number or not finite."""
    flat = np.ravel(value)
    if flat.size == 0 or flat.dtype.kind not in "biuf" or not np.isfinite(flat[0]):
        return None
    return float(flat[0])


@overload
def numbers(value: Any, count: Literal[2]) -> tuple[float, float] | None: ...
@overload
def numbers(value: Any, count: Literal[4]) -> tuple[float, float, float, float] | None: ...
@overload
def numbers(value: Any, count: int) -> tuple[float, ...] | None: ...
def numbers(value: Any, count: int) -> tuple[float, ...] | None:
    """The `count` numbers of a value, or None where it holds something else."""
    flat = np.ravel(value)
    if flat.size != count or flat.dtype.kind not in "biuf" or not np.isfinite(flat).all():
        return None
    return tuple(float(x) for x in flat)


def text(value: Any) -> str:
    """The characters of a value; empty where it has none."""
    return str(value) if isinstance(value, str) else "".join(str(x) for x in np.ravel(value))
