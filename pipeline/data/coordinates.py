"""Conversion between the releases' 1-based pixel coordinates and continuous ones, and clipping of boxes."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from pipeline.photographs.records import Box

REACH = 0.5
"""Longer sides of a box by which a keypoint of its object may lie outside. Nine genuine annotations have up to 0.03."""


def from_one_based(points: Sequence | np.ndarray) -> Float[np.ndarray, "*N"]:
    """Continuous pixels (centre of the top left pixel at 0.5) of 1-based coordinates (its centre at 1), as float64."""
    return np.asarray(points, dtype=np.float64) - 0.5


def to_one_based(points: Sequence | np.ndarray) -> Float[np.ndarray, "*N"]:
    """Coordinates from 1, as PASCAL3D+ stores them, of continuous pixels."""
    return np.asarray(points, dtype=np.float64) + 0.5


def to_one_based_integers(points: Sequence | np.ndarray) -> Int[np.ndarray, "*N"]:
    """Integer coordinates from 1, as SPair-71k stores them, of continuous pixels; halves are rounded up."""
    return np.floor(to_one_based(points) + 0.5).astype(np.int64)


def box_from_one_based(corners: Sequence[float] | np.ndarray) -> Box:
    """Box of the 1-based corners [xmin, ymin, xmax, ymax]; width and height stay xmax - xmin and ymax - ymin."""
    return Box(*from_one_based(corners).tolist())


def reaches(box: Box, x: float, y: float) -> bool:
    """Whether a keypoint may belong to the object in `box`: it lies at most `REACH` longer sides outside."""
    reach = REACH * max(box.width, box.height)
    return box.x0 - reach <= x <= box.x1 + reach and box.y0 - reach <= y <= box.y1 + reach


def clip_box(box: Box, width: int, height: int) -> Box | None:
    """The part of `box` inside an image of `width` x `height` pixels, or None where nothing of it is."""
    clipped = Box(max(box.x0, 0.0), max(box.y0, 0.0), min(box.x1, float(width)), min(box.y1, float(height)))
    return clipped if clipped.width > 0 and clipped.height > 0 else None
