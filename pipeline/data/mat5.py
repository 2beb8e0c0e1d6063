"""MATLAB 5 files: a reader in plain Python, which no content can crash, hold up or make large.

Real numeric, character, cell and struct arrays are read, in either byte order, compressed or not. Complex and sparse
arrays, objects and functions read as an empty array, as none of them can stand for a value that is asked for. The names
of the format's parts are those of "MAT-File Format" (The MathWorks).
"""

import math
import struct
import zlib
from typing import Any, TypeAlias

import numpy as np

Value: TypeAlias = Any
"""Numbers as an array of MATLAB's shape, text as str, cells as a list of values, a struct array as a list of dicts."""

LARGEST = 1 << 28
"""Bytes that a file, and what is compressed in it, may have: 256 MiB."""
MOST_ELEMENTS = 1 << 20
"""Data elements that a file may have: what one or two seconds can read."""
DEEPEST = 32
"""Levels at which structs and cells may be nested."""
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
"""NumPy's types of the data types that hold numbers."""
TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
"""Encodings of the data types that hold text."""
NAMES, INTEGERS, MATRIX, COMPRESSED = (1, 2, 16), (5, 6), 14, 15
"""Data types of names, of whole numbers, of an array, and of a compressed array."""
CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
"""NumPy's types of the array classes that hold numbers."""
CELL, STRUCT, CHAR = 1, 2, 4
"""Further array classes."""
COMPLEX = 0x800
"""Flag of an array with an imaginary part."""


class DamageError(ValueError):
    """The bytes are not those of a MATLAB 5 file."""


def read_variable(content: bytes, name: str) -> Value | None:
    """The value of one variable of a MATLAB 5 file; None where the file has no such variable.

    Raises:
        DamageError: the content is not whole, contradicts itself, or claims more than `LARGEST` or `MOST_ELEMENTS`.
    """
    order = {b"IM": "<", b"MI": ">"}.get(content[126:128])
    if order is None:
        raise DamageError("it has no header of MATLAB 5")
    reader = _Reader(content, order, 128)
    while reader.at < len(content):
        kind, start, size = reader.element(len(content))
        inner = reader
        if kind == COMPRESSED:
            inner = _Reader(_inflated(content[start : start + size]), order, 0)
            kind, start, size = inner.element(len(inner.data))
        if kind == MATRIX and size and (found := inner.variable(start, start + size, name)) is not None:
            return found
    return None


def _inflated(data: bytes) -> bytes:
    """The content of a compressed element, whose checksum is compared."""
    inflate = zlib.decompressobj()
    try:
        content = inflate.decompress(data, LARGEST)
    except zlib.error as error:
        raise DamageError(str(error)) from None
    if not inflate.eof:
        raise DamageError(f"a compressed element is truncated, or has more than {LARGEST} bytes")
    return content


class _Reader:
    """Reader of data elements one after another."""

    def __init__(self, data: bytes, order: str, at: int) -> None:
        self.data, self.order = data, order
        self.at = at
        """Where the next element begins."""
        self._left = MOST_ELEMENTS
        self._tag = struct.Struct(f"{order}2I").unpack_from

    def element(self, end: int) -> tuple[int, int, int]:
        """Type, start and size of the next element, which has to lie before `end`."""
        self._left -= 1
        at = self.at
        if self._left < 0:
            raise DamageError(f"it has more than {MOST_ELEMENTS} elements")
        if end - at < 8:
            raise DamageError("it ends within an element")
        kind, size = self._tag(self.data, at)
        start = at + 8
        if kind > 0xFFFF:
            # An element of 4 bytes or less shares 8 bytes with its tag.
            kind, size, start = kind & 0xFFFF, kind >> 16, at + 4
        self.at = start + size if kind == COMPRESSED else start + size + (-(start + size - at) % 8)
        if start + size > end or (start < at + 8 and size > 4):
            raise DamageError(f"an element of {size} bytes is longer than the place it has")
        return kind, start, size

    def variable(self, start: int, end: int, name: str) -> Value | None:
        """The value of the array between `start` and `end`, if this is its name."""
        after, self.at = self.at, start
        kind, shape, found = self._head(end)
        value = self._content(kind, shape, end, 0) if found == name.encode() else None
        self.at = after
        return value

    def _head(self, end: int) -> tuple[int, tuple[int, ...], bytes]:
        """Class, shape and name of the array that begins here."""
        flags, shape = self._integers(end), self._integers(end)
        if len(flags) != 2 or len(shape) < 2 or min(shape) < 0:
            raise DamageError(f"an array has the shape {shape}")
        kind = flags[0] & 0xFF
        return 0 if flags[0] & COMPLEX else kind, shape, self._bytes(end, NAMES)

    def _content(self, kind: int, shape: tuple[int, ...], end: int, depth: int) -> Value:
        """What follows the head of an array of a class and shape."""
        if kind in CLASSES:
            return self._numbers(shape, CLASSES[kind], end)
        if kind == CHAR:
            return self._text(shape, end)
        if kind == CELL:
            return self._values(math.prod(shape), end, depth + 1)
        if kind == STRUCT:
            return self._structs(math.prod(shape), end, depth + 1)
        self.at = end
        return np.empty((0, 0))

    def _integers(self, end: int) -> tuple[int, ...]:
        kind, start, size = self.element(end)
        if kind not in INTEGERS or size % 4:
            raise DamageError(f"an element of type {kind} and {size} bytes is where whole numbers belong")
        return struct.unpack_from(f"{self.order}{size // 4}i", self.data, start)

    def _bytes(self, end: int, kinds: tuple[int, ...]) -> bytes:
        kind, start, size = self.element(end)
        if kind not in kinds:
            raise DamageError(f"an element of type {kind} is where a name belongs")
        return self.data[start : start + size]

    def _numbers(self, shape: tuple[int, ...], dtype: str, end: int) -> np.ndarray:
        kind, start, size = self.element(end)
        stored = NUMBERS.get(kind)
        count = math.prod(shape)
        if stored is None or size != count * int(stored[1]):
            raise DamageError(f"an array of the shape {shape} has {size} bytes of type {kind}")
        values = np.frombuffer(self.data, self.order + stored, count, start)
        # Whole numbers are stored in the shortest type that holds them all.
        return values.astype(dtype).reshape(shape, order="F")

    def _text(self, shape: tuple[int, ...], end: int) -> str:
        kind, start, size = self.element(end)
        encoding = TEXTS.get(kind)
        if encoding is None:
            raise DamageError(f"an element of type {kind} is where text belongs")
        if encoding in ("utf-16", "utf-32"):
            encoding += "-le" if self.order == "<" else "-be"
        try:
            text = self.data[start : start + size].decode(encoding)
        except UnicodeDecodeError as error:
            raise DamageError(str(error)) from None
        rows = shape[0]
        # Columns follow each other, so that the characters of one row lie `rows` apart.
        return "\n".join(text[row::rows] for row in range(rows)) if 1 < rows <= len(text) else text

    def _values(self, count: int, end: int, depth: int) -> list[Value]:
        """Nested arrays. Their number is not trusted: each takes 8 bytes at least."""
        if count * 8 > end - self.at:
            raise DamageError(f"{count} values are announced, {end - self.at} bytes are left for them")
        if depth > DEEPEST:
            raise DamageError(f"it is nested more than {DEEPEST} levels deep")
        return [self._nested(end, depth) for _ in range(count)]

    def _nested(self, end: int, depth: int) -> Value:
        kind, start, size = self.element(end)
        if kind != MATRIX:
            raise DamageError(f"an element of type {kind} is where an array belongs")
        if size == 0:
            # MATLAB writes [] so.
            return np.empty((0, 0))
        after, self.at = self.at, start
        found, shape, _ = self._head(start + size)
        value = self._content(found, shape, start + size, depth)
        self.at = after
        return value

    def _structs(self, count: int, end: int, depth: int) -> list[dict[str, Value]]:
        """A struct array: the names of its fields, padded to one length, then the values of each struct."""
        width = (*self._integers(end), 0)[0]
        names = self._bytes(end, NAMES)
        if width <= 0 or len(names) % width:
            raise DamageError(f"{len(names)} bytes of field names are cut into {width} each")
        fields = [names[at : at + width].split(b"\0")[0].decode("latin-1") for at in range(0, len(names), width)]
        if len(set(fields)) < len(fields):
            raise DamageError("a struct has two fields of one name")
        values = iter(self._values(count * len(fields), end, depth))
        return [{field: next(values) for field in fields} for _ in range(count if fields else 0)]
