"""Reading and writing photographs and masks, with errors that name the file."""

from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from pipeline.base.errors import InputError
from pipeline.base.files import write_bytes
from pipeline.photographs import encoded

LARGEST = 1 << 28
"""Bytes that an image file may have: 256 MiB."""
FLAGS: dict[str, int] = {
    "RGB": cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION,
    "GRAY": cv2.IMREAD_GRAYSCALE | cv2.IMREAD_IGNORE_ORIENTATION,
}
"""The releases' annotations are of the pixels as they are stored; some photographs have a camera's orientation mark."""


class Size(NamedTuple):
    """Pixels of an image along its sides."""

    width: int
    height: int


def read_image(path: Path) -> UInt8[np.ndarray, "H W 3"]:
    """Read a photograph as RGB: JPEG, PNG, or another format of `pipeline.photographs.encoded`.

    Raises:
        InputError: the file is missing, truncated or damaged, has more than 100 megapixels, or is not such an image.
    """
    return _decode(path, "RGB")


def read_mask(path: Path) -> Bool[np.ndarray, "H W"]:
    """Read a mask written by `write_mask`.

    Raises:
        InputError: as `read_image`.
    """
    return _decode(path, "GRAY") > 127


def read_size(path: Path) -> Size:
    """Read the size of an image from its header, without decoding it.

    Raises:
        InputError: the file is missing, its header is damaged, it has more than 100 megapixels, or is no image.
    """
    content = _content(path)
    try:
        return Size(*encoded.read_header(content)[1:])
    except encoded.DamageError as error:
        raise _damaged(path, content, error) from None


def write_image(path: Path, image: UInt8[np.ndarray, "H W 3"]) -> None:
    """Write RGB `image` in the format of the path's suffix."""
    _encode(path, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))


def write_mask(path: Path, mask: Bool[np.ndarray, "H W"]) -> None:
    """Write a mask as an 8-bit PNG of 0 and 255."""
    _encode(path, mask.astype(np.uint8) * 255)


def _decode(path: Path, colour: Literal["RGB", "GRAY"]) -> np.ndarray:
    content = _content(path)
    try:
        header = encoded.read_header(content)
        encoded.check_whole(content, header)
        if header.kind == "JPEG":
            image = encoded.decode_jpeg(content, colour)
            return image[..., 0] if colour == "GRAY" else image
        image = cv2.imdecode(np.frombuffer(content, np.uint8), FLAGS[colour])
        if image is not None and colour == "RGB":
            image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    except (encoded.DamageError, cv2.error) as error:
        raise _damaged(path, content, error) from None
    if image is None or image.shape[:2] != (header.height, header.width):
        raise _damaged(path, content, "it cannot be decoded")
    return image


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise InputError(f"{path}: expected an image file, found none. Restore it, or remove its annotation.")
    if path.stat().st_size > LARGEST:
        raise InputError(f"{path}: expected an image of at most {LARGEST} bytes, found more. Make it smaller.")
    return path.read_bytes()


def _damaged(path: Path, content: bytes, reason: object) -> InputError:
    if isinstance(reason, encoded.TooLargeError):
        return InputError(f"{path}: expected an image that can be read, found {reason}. Make it smaller.")
    return InputError(
        f"{path}: expected a readable image, found {len(content)} bytes that are truncated or damaged ({reason}). "
        "Fetch the file again, or remove its annotation."
    )


def _encode(path: Path, image: np.ndarray) -> None:
    done, content = cv2.imencode(path.suffix, image)
    if not done:
        raise InputError(f"{path}: the suffix '{path.suffix}' is not an image format that can be written.")
    write_bytes(path, content.tobytes())
