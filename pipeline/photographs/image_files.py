"""Reading and writing photographs and masks, with errors that name the file."""

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

from pipeline.base.errors import InputError
from pipeline.base.files import write_bytes

COLOUR = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
"""The releases' annotations are of the pixels as they are stored; some photographs have a camera's orientation mark."""


def read_image(path: Path) -> UInt8[np.ndarray, "H W 3"]:
    """Read a photograph as RGB.

    Raises:
        InputError: the file is missing, or cannot be decoded (truncated or not an image).
    """
    return cv2.cvtColor(_decode(path, COLOUR), cv2.COLOR_BGR2RGB)


def read_mask(path: Path) -> Bool[np.ndarray, "H W"]:
    """Read a mask written by `write_mask`.

    Raises:
        InputError: the file is missing or cannot be decoded.
    """
    return _decode(path, cv2.IMREAD_GRAYSCALE) > 127


def write_image(path: Path, image: UInt8[np.ndarray, "H W 3"]) -> None:
    """Write RGB `image` in the format of the path's suffix."""
    _encode(path, cv2.cvtColor(image, cv2.COLOR_RGB2BGR))


def write_mask(path: Path, mask: Bool[np.ndarray, "H W"]) -> None:
    """Write a mask as an 8-bit PNG of 0 and 255."""
    _encode(path, mask.astype(np.uint8) * 255)


def _decode(path: Path, flags: int) -> np.ndarray:
    if not path.is_file():
        raise InputError(f"{path}: expected an image file, found none. Restore it, or remove its annotation.")
    content = path.read_bytes()
    # OpenCV decodes a truncated JPEG into a half-grey picture without saying so; the end marker tells.
    truncated = content[:2] == b"\xff\xd8" and b"\xff\xd9" not in content[-64:]
    image = None if truncated or not content else cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    if image is None:
        raise InputError(
            f"{path}: expected a readable image, found {len(content)} bytes that are truncated or damaged. "
            "Fetch the file again, or remove its annotation."
        )
    return image


def _encode(path: Path, image: np.ndarray) -> None:
    done, content = cv2.imencode(path.suffix, image)
    if not done:
        raise InputError(f"{path}: the suffix '{path.suffix}' is not an image format that can be written.")
    write_bytes(path, content.tobytes())
