"""A photograph, or a part of one, as the feature backends take it."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np

from pipeline.base.errors import InputError
from pipeline.photographs.crops import Crop, square_crop
from pipeline.photographs.photo import Photo
from pipeline.photographs.records import Box, Instance
from pipeline.photographs.upright import read_upright

Photograph = str | PathLike[str] | np.ndarray
"""Path of an image file, which is turned as its camera's mark says, or its RGB pixels [H, W, 3] of the type uint8."""
ARRAY = Path("array")
"""Stands for the path of a photograph that is not in a file."""


WHOLE = (0.0, 0.0, np.inf, np.inf)
"""A box that reaches as far as the photograph."""


def read_object(
    photograph: Photograph, box: Sequence[float] | None, category: str, margin: float
) -> tuple[Photo, Crop]:
    """The photograph with the object in it, and the object's crop.

    Args:
        box: box (x0, y0, x1, y1) of the object in pixels; None says that the photograph is itself such a square crop.
        margin: side of the crop as a multiple of the longer side of the box.

    Raises:
        InputError: the file is missing or damaged, the pixels are of another type, or the box is not one of the image.
    """
    if isinstance(photograph, np.ndarray):
        path, image = ARRAY, photograph
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise InputError(
                f"expected a photograph of RGB pixels [H, W, 3] of the type uint8, found {list(image.shape)} of the "
                f"type {image.dtype}. Convert it, or pass the path of its file."
            )
    else:
        path = Path(photograph)
        image = read_upright(path)
    height, width = image.shape[:2]
    if box is None:
        crop = _whole(path, width, height)
        found = Box(0.0, 0.0, float(width), float(height))
    else:
        found = _checked(path, box, width, height)
        crop = square_crop(found, margin)
    # Evaluated photographs are named by their files; the simulated features of an image depend on its name.
    instance = Instance(category, path.stem, "test", str(path), width, height, found, False, False, False, None, None)
    return Photo(instance, image, path), crop


def _whole(path: Path, width: int, height: int) -> Crop:
    if width != height:
        raise InputError(
            f"{path}: expected a square crop round the object, found {width} x {height} pixels. Pass the object's box "
            "(x0, y0, x1, y1) in the photograph."
        )
    return Crop(0.0, 0.0, float(width))


def _checked(path: Path, box: Sequence[float], width: int, height: int) -> Box:
    numbers = np.asarray((0, 0, width, height) if box is WHOLE else box, dtype=np.float64)
    if numbers.shape != (4,) or not np.isfinite(numbers).all():
        raise InputError(f"{path}: expected a box of four numbers (x0, y0, x1, y1) in pixels, found {box}.")
    found = Box(*map(float, numbers))
    overlaps = found.x0 < width and found.y0 < height and found.x1 > 0 and found.y1 > 0
    if found.width <= 0 or found.height <= 0 or not overlaps:
        raise InputError(
            f"{path}: expected a box (x0, y0, x1, y1) that overlaps the image of {width} x {height} pixels, found "
            f"{tuple(found)}."
        )
    return found
