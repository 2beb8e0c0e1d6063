"""Where the object is in a photograph without a box and without a network: what stands out from the borders."""

from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from pipeline.base.errors import InputError
from pipeline.labels.masks.grabcut import GrabCutMasks
from pipeline.photographs.photo import Photo
from pipeline.photographs.records import Box, Instance, bounding_box

LOOKED_AT = 320
"""Pixels along the longer side of a photograph in which an object is looked for."""
FRAME = 0.04
"""Share of a photograph along each border that is taken for background where an object is looked for."""
LEAST, MOST = 0.02, 0.85
"""Shares of the photograph that a found object covers."""


def find_object(image: UInt8[np.ndarray, "H W 3"], grabcut: GrabCutMasks) -> Box | None:
    """The box of what stands out from the borders of a photograph; None where nothing plausible does."""
    factor = min(1.0, LOOKED_AT / max(image.shape[:2]))
    size = [max(8, round(side * factor)) for side in image.shape[1::-1]]
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    width, height = size
    inner = nearly_whole(width, height)
    flags = (False, False, False, None, None)
    instance = Instance("object", "object", "train", "photograph", width, height, inner, *flags)
    try:
        mask = grabcut.mask(Photo(instance, small, Path("photograph")))
    except InputError:
        return None
    if not LEAST <= mask.mean() <= MOST:
        return None
    x = image.shape[1] / width
    y = image.shape[0] / height
    box = bounding_box(mask)
    return Box(box.x0 * x, box.y0 * y, box.x1 * x, box.y1 * y)


def nearly_whole(width: int, height: int) -> Box:
    """The box of a photograph without a frame along its borders, in pixels."""
    margin = max(1, round(FRAME * min(width, height)))
    return Box(float(margin), float(margin), float(width - margin), float(height - margin))
