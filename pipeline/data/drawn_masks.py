"""Masks that people draw or export: white on the object, black elsewhere, in any common format of images."""

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Bool, Integer

from pipeline.base.errors import InputError
from pipeline.photographs.image_files import read_mask

COLOURED = 1 / 16
"""Difference of two channels, as a share of white, above which a pixel is coloured: JPEG tints grey a little."""
GREY = (0.25, 0.75)
"""Pixels between these shares of white are neither black nor white."""


def read_drawn_mask(path: Path) -> Bool[np.ndarray, "H W"]:
    """Read the pixels of an object from an image that is white on it, with soft edges or not.

    Colour, transparency and shades of grey mean different things to different programs, so that an image which needs
    them is refused: it could be a map of several objects, the photograph itself, or the outline of a mask.

    Raises:
        InputError: the file is missing or damaged, or is not an image in black and white.
    """
    mask = read_mask(path)
    stored = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if stored is None or stored.dtype not in (np.uint8, np.uint16):
        problem = "numbers of more than 16 bits"
    else:
        problem = _problem(stored)
    if problem:
        raise InputError(
            f"{path}: expected a mask that is white on the object and black elsewhere, found {problem}. Save it as a "
            "PNG of 8 bits in black (0) and white (255), without palette and transparency."
        )
    return mask


def _problem(stored: Integer[np.ndarray, "H W *C"]) -> str | None:
    """What keeps an image from being a mask, given the channels as the file has them; None where nothing does."""
    white = np.iinfo(stored.dtype).max
    channels = stored.reshape(*stored.shape[:2], -1)
    if channels.shape[2] in (2, 4) and (channels[..., -1] < white).any():
        return "transparent pixels"
    colours = channels[..., :3] if channels.shape[2] > 2 else channels[..., :1]
    lowest, highest = colours.min(2), colours.max(2)
    if ((highest - lowest) > COLOURED * white).any():
        return "coloured pixels"
    if not highest.any():
        return None
    if highest.max() < GREY[1] * white:
        return f"nothing brighter than {highest.max()} of {white}"
    grey = (highest > GREY[0] * white) & (highest < GREY[1] * white)
    if grey.sum() > (highest >= GREY[1] * white).sum():
        return f"{grey.mean():.0%} of the pixels in shades of grey"
    return None
