"""Encoded images: the size that they declare, and whether they are whole, before a decoder allocates anything."""

import io
import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np
import simplejpeg
from jaxtyping import UInt8
from PIL import Image

MOST_PIXELS = 100_000_000
"""Pixels that an image may have: 300 MB when decoded."""
LONGEST_SIDE = 32_000
"""Pixels along a side of an image: OpenCV resamples none that are longer."""
MOST_SCANS = 1_000_000_000
"""Pixels times scans that a JPEG may have. A progressive one has ten scans; a thousand would take minutes."""
OTHERS = ("BMP", "TIFF", "WEBP")
"""Formats that are read besides JPEG and PNG, by Pillow's names."""
PNG = b"\x89PNG\r\n\x1a\n"
HARMLESS = ("Invalid SOS parameters", "Unknown Adobe color transform", "Warning: unknown JFIF revision")
"""Beginnings of the warnings of libjpeg after which all pixels are as they were encoded."""
# A marker of JPEG is no filling zero, and none that restarts the decoder within a scan.
_MARKER = re.compile(rb"\xff+([\x02-\xcf\xd8-\xfe])")
_START_OF_SCAN, _END, _START = 0xDA, 0xD9, 0xD8
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class DamageError(ValueError):
    """An image is not whole, or its format is not read."""


class TooLargeError(DamageError):
    """An image is not read for its size."""


class Header(NamedTuple):
    """What an image declares before its pixels."""

    kind: Literal["JPEG", "PNG", "other"]
    width: int
    height: int


def read_header(content: bytes) -> Header:
    """The format and the size of an encoded image.

    Raises:
        TooLargeError: the image is larger than `MOST_PIXELS` or `LONGEST_SIDE`, or has no pixel.
        DamageError: the format is not read, or there is no size.
    """
    if content[:2] == b"\xff\xd8":
        header = Header("JPEG", *_jpeg_size(content))
    elif content[:8] == PNG:
        if content[12:16] != b"IHDR" or len(content) < 33:
            raise DamageError("it has no size")
        header = Header("PNG", *struct.unpack(">II", content[16:24]))
    else:
        header = Header("other", *_other_size(content))
    _, width, height = header
    if not (0 < width <= LONGEST_SIDE and 0 < height <= LONGEST_SIDE and width * height <= MOST_PIXELS):
        raise TooLargeError(f"{width} x {height} pixels: at most {MOST_PIXELS:,} are read, {LONGEST_SIDE:,} in a row")
    return header


def check_whole(content: bytes, header: Header) -> None:
    """Check that an encoded image is all there; a JPEG's coefficients are checked when it is decoded.

    What follows the end of an image does not count: cameras put previews and films there.

    Raises:
        TooLargeError: the image would take too long to decode.
        DamageError: the image is truncated or damaged.
    """
    if header.kind == "PNG":
        _check_png(content)
    elif header.kind == "JPEG":
        scans = MOST_SCANS // (header.width * header.height)
        # Counting bytes is fast; they may also be there by chance, in a preview say.
        if content.count(b"\xff\xda") > scans < sum(marker == _START_OF_SCAN for marker, _ in _segments(content)):
            raise TooLargeError(f"{header.width} x {header.height} pixels in more than {scans} scans")
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                Image.open(io.BytesIO(content), formats=OTHERS).load()
            except Exception as error:
                raise DamageError(str(error)) from None


def decode_jpeg(content: bytes, colour: Literal["RGB", "GRAY"]) -> UInt8[np.ndarray, "H W C"]:
    """The pixels of a JPEG, with as many channels as `colour` has.

    Raises:
        DamageError: the decoder met data that no encoder writes, after which pixels are wrong.
    """
    try:
        return simplejpeg.decode_jpeg(content, colour)
    except ValueError as error:
        if not str(error).startswith(HARMLESS):
            raise DamageError(str(error)) from None
    return simplejpeg.decode_jpeg(content, colour, strict=False)


def _segments(content: bytes) -> Iterator[tuple[int, int]]:
    """The segments of a JPEG up to its end: marker, and the position of the content."""
    at = 2
    while found := _MARKER.search(content, at):
        marker, at = found[1][0], found.end()
        if marker == _END:
            return
        yield marker, at
        if marker != _START:
            at += int.from_bytes(content[at : at + 2], "big")


def _jpeg_size(content: bytes) -> tuple[int, int]:
    for marker, at in _segments(content):
        if marker in _FRAMES and at + 7 <= len(content):
            height, width = struct.unpack_from(">HH", content, at + 3)
            return width, height
    raise DamageError("it has no size")


def _check_png(content: bytes) -> None:
    """Compare the checksums of all chunks, which OpenCV does not."""
    at, view = 8, memoryview(content)
    kind = b""
    while kind != b"IEND":
        if at + 12 > len(content):
            raise DamageError("it is truncated")
        size, kind = struct.unpack_from(">I4s", content, at)
        end = at + 8 + size
        if end + 4 > len(content):
            raise DamageError("it is truncated")
        if zlib.crc32(view[at + 4 : end]) != int.from_bytes(view[end : end + 4], "big"):
            raise DamageError("the checksum of a part is another one")
        at = end + 4


def _other_size(content: bytes) -> tuple[int, int]:
    with warnings.catch_warnings():
        # Pillow warns of large images, and of metadata that are not read here.
        warnings.simplefilter("ignore")
        try:
            return Image.open(io.BytesIO(content), formats=OTHERS).size
        except Exception as error:
            raise DamageError(f"it is none of JPEG, PNG, {', '.join(OTHERS)}, or damaged: {error}") from None
