"""The header of a safetensors file: which tensors it claims to hold, compared with its size before any is read."""

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.base.errors import InputError

LONGEST_HEADER = 2**24
"""Bytes of the longest header; that of the largest of these networks has a tenth of a megabyte."""
MOST_DIMENSIONS = 8
"""Dimensions that a tensor has at most."""
BITS = {
    **dict.fromkeys(("F64", "I64", "U64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("I8", "U8", "BOOL"), 8),
}
"""Bits of one number, by the format's names of types, without those that no network here has."""


class Holding(NamedTuple):
    """What a file of tensors holds."""

    tensors: int
    numbers: int


def read_holding(path: Path) -> Holding:
    """Count the tensors of a safetensors file and their numbers, after its header was compared with its size.

    Raises:
        InputError: the file is missing, truncated or damaged, or its tensors do not fill it exactly.
    """
    size = path.stat().st_size if path.is_file() else None
    if size is None:
        raise damaged(path, "no file")
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if size < 8 or length > min(size - 8, LONGEST_HEADER):
            raise damaged(path, f"{size} bytes, of which the header would be {length}")
        content = stream.read(length)
    try:
        entries = {name: entry for name, entry in json.loads(content).items() if name != "__metadata__"}
        counts = [_numbers(entry) for entry in entries.values()]
        spans = sorted(tuple(entry["data_offsets"]) for entry in entries.values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise damaged(path, f"a header that is none ({type(error).__name__}: {error})") from None
    end = 0
    for first, last in spans:
        if first != end:
            raise damaged(path, f"tensors with a gap or an overlap at byte {end} of the data")
        end = last
    if end != size - 8 - length:
        raise damaged(path, f"{size} bytes, where its header claims {8 + length + end}")
    return Holding(len(counts), sum(counts))


def damaged(path: Path, found: str) -> InputError:
    """The error of a file of weights, with what was found instead of it."""
    return InputError(
        f"{path}: expected the weights of a network as safetensors, found {found}. Fetch it again: "
        f"`semagic weights {path.parent.name}`."
    )


def _numbers(entry: Any) -> int:
    """Numbers in one tensor.

    Raises:
        ValueError: the entry contradicts itself.
    """
    shape, (first, last) = entry["shape"], entry["data_offsets"]
    if not all(type(value) is int and value >= 0 for value in (*shape, first, last)):
        raise ValueError("a size or an offset is no natural number")
    if len(shape) > MOST_DIMENSIONS:
        raise ValueError(f"{len(shape)} dimensions")
    count = math.prod(shape)
    if 8 * (last - first) != count * BITS[entry["dtype"]]:
        raise ValueError(f"{shape} numbers of {entry['dtype']} in {last - first} bytes")
    return count
