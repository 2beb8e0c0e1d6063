"""Where the object is in a photograph without a box: found by the tokens alone, as no mask is at hand.

The classifier that tells patches on the object from those beside it (`pipeline.labels.components.foreground`) looks at
the whole photograph first, and then, twice, at a crop round what it has found, at the scale that it was trained at.
"""

from collections.abc import Callable

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float32

from pipeline.labels.components.foreground import Foreground
from pipeline.photographs.crops import Crop, square_crop
from pipeline.photographs.records import Box

TokensOf = Callable[[list[Crop]], list[Float32[np.ndarray, "T T D"]]]
"""Computes the patch tokens of crops of one photograph."""
LOOKS = 2
"""Times that a crop round the box is looked at once more."""
SHARE = 0.2
"""Parts of the object's pixels as large as this share of the largest one belong to the object too."""
FEWEST = 6
"""Patches that an object has at least in the last look."""
SQUARE = 1.6
"""Sides of a photograph, the longer by the shorter one, up to which it is first seen as a whole."""


def find_box(width: int, height: int, tokens_of: TokensOf, foreground: Foreground, margin: float) -> Box | None:
    """The box of the largest object of the category in a photograph.

    Args:
        width: of the photograph in pixels; so is `height`.
        margin: side of a crop as a multiple of the longer side of the box (`data.crop_margin`).

    Returns:
        The box in continuous pixels, within the photograph; None where no patch looks like the object.
    """
    crops = _windows(width, height)
    seen = [_box(crop, _on_object(tokens, crop, width, height, foreground)) for crop, tokens in _each(crops, tokens_of)]
    found = max((one for one in seen if one is not None), key=lambda one: one.width * one.height, default=None)
    for _ in range(LOOKS):
        if found is None:
            return None
        crop = square_crop(found, margin)
        ((_, tokens),) = _each([crop], tokens_of)
        found = _box(crop, _on_object(tokens, crop, width, height, foreground))
    return None if found is None else _within(found, width, height)


def _windows(width: int, height: int) -> list[Crop]:
    """Squares that cover the photograph: one round all of it, or several along a long one."""
    short, long = sorted((width, height))
    if long <= SQUARE * short:
        return [Crop((width - long) / 2, (height - long) / 2, float(long))]
    starts = np.linspace(0, long - short, int(np.ceil(2 * long / short)) - 1)
    return [Crop(start, 0.0, float(short)) if width > height else Crop(0.0, start, float(short)) for start in starts]


def _each(crops: list[Crop], tokens_of: TokensOf) -> list[tuple[Crop, Float32[np.ndarray, "T T D"]]]:
    return list(zip(crops, tokens_of(crops), strict=True))


def _on_object(
    tokens: Float32[np.ndarray, "T T D"], crop: Crop, width: int, height: int, foreground: Foreground
) -> Bool[np.ndarray, "T T"]:
    """Patches that are rather on the object than beside it, and whose centres are in the photograph."""
    probability = foreground.probability(torch.from_numpy(tokens)).numpy()
    places = (np.arange(len(tokens)) + 0.5) / len(tokens) * crop.side
    inside_x = (places + crop.x0 > 0) & (places + crop.x0 < width)
    inside_y = (places + crop.y0 > 0) & (places + crop.y0 < height)
    return (probability > 0.5) & inside_x & inside_y[:, None]


def _box(crop: Crop, on: Bool[np.ndarray, "T T"]) -> Box | None:
    """The box, in pixels of the photograph, of the largest parts of what is on the object."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(on.astype(np.uint8), connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if areas.size == 0 or areas.max() < FEWEST:
        return None
    kept = np.isin(labels, 1 + np.flatnonzero(areas >= SHARE * areas.max()))
    rows, columns = np.flatnonzero(kept.any(1)), np.flatnonzero(kept.any(0))
    step = crop.side / len(on)
    return Box(
        crop.x0 + step * columns[0],
        crop.y0 + step * rows[0],
        crop.x0 + step * (columns[-1] + 1),
        crop.y0 + step * (rows[-1] + 1),
    )


def _within(box: Box, width: int, height: int) -> Box:
    return Box(max(box.x0, 0.0), max(box.y0, 0.0), min(box.x1, float(width)), min(box.y1, float(height)))
