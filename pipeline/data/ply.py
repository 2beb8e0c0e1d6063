"""Meshes in the PLY form (Stanford), in ASCII and in both binary forms."""

import struct
from collections.abc import Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from pipeline.data.mesh import MOST, TooManyError

TYPES = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
}
"""NumPy's types for the types of properties."""
BYTE_ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">"}
POLYGON = ("vertex_indices", "vertex_index")
"""Names that writers give to the list of a face's vertices."""


class _Property(NamedTuple):
    name: str
    kind: str
    length: str
    """Type of the length of a list; empty for a single number."""


class _Element(NamedTuple):
    name: str
    count: int
    properties: list[_Property]


@runtime_checkable
class _Numbers(Protocol):
    """The numbers behind the header, from the first to the last."""

    def take(self, kind: str, count: int) -> Sequence[float]:
        """The next `count` numbers of a type."""
        ...

    def table(self, kinds: list[str], rows: int) -> Float[np.ndarray, "rows columns"]:
        """The next rows of numbers with these types."""
        ...


def parse_ply(content: bytes) -> tuple[Float[np.ndarray, "V 3"], list[list[int]]]:
    """Vertices and polygons of a PLY file; its other elements and properties do not count."""
    header, found, body = content.partition(b"\nend_header")
    lines = [line.split() for line in header.decode("latin-1").splitlines()]
    if lines[:1] != [["ply"]] or not found:
        raise ValueError("it has no header of PLY")
    body = body[body.index(b"\n") + 1 :]
    (form,) = [words[1] for words in lines if words[:1] == ["format"]]
    numbers: _Numbers = _Ascii(body) if form == "ascii" else _Binary(body, BYTE_ORDERS[form])
    vertices, polygons = np.zeros((0, 3)), []
    for element in _elements(lines):
        if element.count > MOST:
            raise TooManyError
        names = [entry.name for entry in element.properties]
        if not any(entry.length for entry in element.properties):
            table = numbers.table([entry.kind for entry in element.properties], element.count)
            if element.name == "vertex":
                vertices = table[:, [names.index(axis) for axis in "xyz"]]
        else:
            rows = [_row(element, numbers) for _ in range(element.count)]
            if element.name == "face":
                (at,) = [i for i, name in enumerate(names) if name in POLYGON]
                polygons = [[int(x) for x in row[at]] for row in rows]
    return vertices, polygons


def _elements(lines: list[list[str]]) -> list[_Element]:
    elements: list[_Element] = []
    for words in lines:
        match words:
            case ["element", name, count]:
                elements.append(_Element(name, int(count), []))
            case ["property", "list", length, kind, name]:
                elements[-1].properties.append(_Property(name, TYPES[kind], TYPES[length]))
            case ["property", kind, name]:
                elements[-1].properties.append(_Property(name, TYPES[kind], ""))
    return elements


def _row(element: _Element, numbers: _Numbers) -> list[Sequence[float]]:
    return [
        numbers.take(kind, int(numbers.take(length, 1)[0]) if length else 1) for _, kind, length in element.properties
    ]


class _Ascii:
    def __init__(self, body: bytes) -> None:
        self._words, self._at = body.split(), 0

    def take(self, kind: str, count: int) -> Sequence[float]:
        start, self._at = self._at, self._at + count
        if count < 0 or self._at > len(self._words):
            raise ValueError(f"{count} numbers are announced, {len(self._words) - start} are left")
        return [float(word) for word in self._words[start : self._at]]

    def table(self, kinds: list[str], rows: int) -> Float[np.ndarray, "rows columns"]:
        return np.array(self.take("f8", rows * len(kinds)), dtype=np.float64).reshape(rows, len(kinds))


class _Binary:
    def __init__(self, body: bytes, order: str) -> None:
        self._body, self._order, self._at = body, order, 0
        self._codes = {kind: np.dtype(kind).char for kind in TYPES.values()}

    def take(self, kind: str, count: int) -> Sequence[float]:
        found = struct.unpack_from(f"{self._order}{count}{self._codes[kind]}", self._body, self._at)
        self._at += count * int(kind[1])
        return found

    def table(self, kinds: list[str], rows: int) -> Float[np.ndarray, "rows columns"]:
        row = np.dtype([(f"c{i}", self._order + kind) for i, kind in enumerate(kinds)])
        found = np.frombuffer(self._body, row, rows, self._at)
        self._at += rows * row.itemsize
        return np.stack([found[name].astype(np.float64) for name in row.names or ()], axis=1)
