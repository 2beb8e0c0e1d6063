"""MATLAB 5 files: writing that gives equal bytes for equal content, reading that tells damage in words."""

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias, overload

import numpy as np

from pipeline.base.errors import InputError
from pipeline.base.files import write_bytes
from pipeline.data import mat5

Struct: TypeAlias = Mapping[str, Any]
"""A struct: its fields by name."""
EMPTY = np.empty((0, 0))
"""MATLAB's [], which stands for a value that is not known."""

HDF5 = b"\x89HDF\r\n\x1a\n"
"""Beginning of an HDF5 file, which MATLAB 7.3 writes behind a header of its own."""

# A MATLAB 5 file begins with 116 bytes of free text, where scipy puts the time of writing.
_HEADER = b"MATLAB 5.0 MAT-file".ljust(116)


def write_variable(path: Path, name: str, value: Any) -> None:
    """Write one variable; mappings become structs, `struct_array` struct arrays."""
    # Slow to import, and only the embedded benchmark is written.
    import scipy.io

    stream = io.BytesIO()
    scipy.io.savemat(stream, {name: value}, do_compression=True, long_field_names=True, oned_as="row")
    write_bytes(path, _HEADER + stream.getvalue()[len(_HEADER) :])


def read_variable(path: Path, name: str) -> Any:
    """Read one variable, as a `pipeline.data.mat5.Value`: structs and struct arrays as lists of dicts.

    Raises:
        InputError: the file or the variable is missing, the file has another format, or it is truncated or damaged.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected a MATLAB file, found none. Restore it from the release.")
    if path.stat().st_size > mat5.LARGEST:
        raise InputError(f"{path}: expected at most {mat5.LARGEST} bytes, found more. Fetch the file again.")
    content = path.read_bytes()
    if content.startswith((b"MATLAB 7.3", HDF5)):
        raise InputError(
            f"{path}: expected a MATLAB 5 file, found one of MATLAB 7.3 (HDF5), which is not read. Save it in MATLAB "
            "with the option -v7."
        )
    try:
        value = mat5.read_variable(content, name)
    except mat5.DamageError as error:
        raise InputError(
            f"{path}: expected a MATLAB 5 file, found {len(content)} bytes that are truncated or damaged ({error}). "
            "Fetch the file again."
        ) from None
    if value is None:
        raise InputError(f"{path}: expected the variable '{name}', found none. Fetch the file again.")
    return value


def struct_array(rows: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> np.ndarray:
    """A 1 x N struct array with `fields`, in their order."""
    array = np.empty((1, len(rows)), dtype=[(field, object) for field in fields])
    for i, row in enumerate(rows):
        for field in fields:
            array[field][0, i] = row[field]
    return array


def structs(value: Any) -> list[Struct]:
    """The structs of a struct, a struct array, cells of them, or an empty value."""
    if isinstance(value, dict):
        return [value]
    return [item for entry in value for item in structs(entry)] if isinstance(value, list) else []


def field(struct: Struct, name: str) -> Any:
    """A field's value, or an empty one where the struct has no such field."""
    return struct.get(name, EMPTY)


def number(value: Any) -> float | None:
    """The first number of a value; None where it is empty, not a number or not finite."""
    if not isinstance(value, np.ndarray) or value.size == 0:
        return None
    first = float(value.flat[0])
    return first if math.isfinite(first) else None


@overload
def numbers(value: Any, count: Literal[2]) -> tuple[float, float] | None: ...
@overload
def numbers(value: Any, count: Literal[4]) -> tuple[float, float, float, float] | None: ...
@overload
def numbers(value: Any, count: int) -> tuple[float, ...] | None: ...
def numbers(value: Any, count: int) -> tuple[float, ...] | None:
    """The `count` numbers of a value, or None where it holds something else."""
    if not isinstance(value, np.ndarray) or value.size != count:
        return None
    found = tuple(map(float, value.flat))
    return found if all(map(math.isfinite, found)) else None


def text(value: Any) -> str:
    """The characters of a value; empty where it has none."""
    return value if isinstance(value, str) else ""
