"""Removal of stray pixels, small parts and small holes from a network's mask."""

import cv2
import numpy as np
from jaxtyping import Bool

from pipeline.config.label_params import MaskCleaning
from pipeline.photographs.records import Box


def clean(mask: Bool[np.ndarray, "H W"], box: Box, params: MaskCleaning) -> Bool[np.ndarray, "H W"]:
    """`mask` without stray pixels, in three steps.

    1. Pixels whose centre lies outside `box` (continuous pixels), widened on each side by `margin` of its width or
       height, go.
    2. Connected parts (8 neighbours) of less than `smallest_part` of the largest one's area go.
    3. Holes (4 neighbours; background that the frame of the image does not touch) of at most `largest_hole` of the
       remaining area are filled. Larger ones are true ones: in wheels, in the backs of chairs.
    """
    mask = mask & inside(_widened(box, params.margin), *mask.shape)
    mask = _without_small_parts(mask, params.smallest_part)
    return _without_small_holes(mask, params.largest_hole * mask.sum())


def inside(box: Box, height: int, width: int) -> Bool[np.ndarray, "{height} {width}"]:
    """The pixels whose centres lie in `box`, its border included."""
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    return ((y >= box.y0) & (y <= box.y1))[:, None] & ((x >= box.x0) & (x <= box.x1))


def _widened(box: Box, margin: float) -> Box:
    dx, dy = margin * box.width, margin * box.height
    return Box(box.x0 - dx, box.y0 - dy, box.x1 + dx, box.y1 + dy)


def _without_small_parts(mask: np.ndarray, share: float) -> np.ndarray:
    labels, areas, _ = _components(mask, 8)
    kept = areas >= share * areas.max(initial=0)
    return np.append(False, kept)[labels]


def _without_small_holes(mask: np.ndarray, largest: float) -> np.ndarray:
    labels, areas, open_ = _components(~mask, 4)
    filled = (areas <= largest) & ~open_
    return mask | np.append(False, filled)[labels]


def _components(pixels: np.ndarray, connectivity: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number of the component of each pixel (0 for none); area of each, from 1 on; whether it touches the frame."""
    height, width = pixels.shape
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(pixels.astype(np.uint8), connectivity=connectivity)
    x, y, w, h, area = statistics[1:count].T
    return labels, area, (x == 0) | (y == 0) | (x + w == width) | (y + h == height)
