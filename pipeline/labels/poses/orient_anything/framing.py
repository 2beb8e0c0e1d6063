"""Pictures that the network sees: the object alone, on white, centred in a square."""

import math

import numpy as np
import torch
from jaxtyping import Bool, Float32
from PIL import Image
from torch import Tensor

from pipeline.base.errors import InputError
from pipeline.photographs.photo import Photo
from pipeline.pretrained.pixels import shrunk

WHITE = 255


def frame_object(
    photo: Photo, mask: Bool[np.ndarray, "H W"], foreground: float, side: int
) -> Float32[Tensor, "3 side side"]:
    """Crop the object under `mask` to the box of its pixels and centre it on a white square of side x side pixels.

    The longer side of the box spans the share `foreground` of the square, the aspect is kept. Values are RGB in [0, 1];
    resampling is bicubic with antialiasing, as in Orient Anything V2's demonstration. Unlike there, the crop keeps the
    object's last row and column, and the share is exact: it is not rounded to whole pixels of the photograph. An object
    whose square would have more than `LARGEST_SQUARE` pixels a side is shrunk by a whole factor first.

    Raises:
        InputError: the mask is empty or not of the photograph's size.
    """
    key, shape = photo.instance.key, photo.image.shape[:2]
    if mask.shape != shape:
        raise InputError(
            f"'{key}': the mask must have the photograph's {shape[0]} rows and {shape[1]} columns; found "
            f"{mask.shape[0]} and {mask.shape[1]}. Make the masks again: run the stage `masks`."
        )
    if not mask.any():
        raise InputError(
            f"'{key}': expected a mask that marks the object, found an empty one. Make it again, or remove the "
            "annotation."
        )
    rows, columns = (_span(np.any(mask, axis)) for axis in (1, 0))
    crop = np.where(mask[rows, columns, None], photo.image[rows, columns], np.uint8(WHITE))

    crop, _ = shrunk(crop, max(crop.shape[:2]) / foreground)
    height, width = crop.shape[:2]
    square = max(height, width) / foreground
    # The square's borders may lie between pixels; the canvas holds it wherever the crop comes to lie, and a margin of
    # white for the kernel, which is 4 pixels wide where it enlarges.
    canvas = np.full((math.ceil(square) + 5,) * 2 + (3,), WHITE, np.uint8)
    top, left = (len(canvas) - height) // 2, (len(canvas) - width) // 2
    canvas[top : top + height, left : left + width] = crop
    y, x = top + (height - square) / 2, left + (width - square) / 2
    box = (x, y, x + square, y + square)
    image = Image.fromarray(canvas).resize((side, side), Image.Resampling.BICUBIC, box)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255


def _span(occupied: Bool[np.ndarray, "N"]) -> slice:
    """The range from the first to the last place that is occupied."""
    places = np.flatnonzero(occupied)
    return slice(places[0], places[-1] + 1)
