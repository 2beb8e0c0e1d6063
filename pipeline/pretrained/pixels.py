"""Image preprocessing for pretrained networks: resampling, and normalisation with the statistics of ImageNet."""

import math

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

IMAGENET_MEAN = 0.485, 0.456, 0.406
"""Means of red, green and blue in [0, 1], with which all these networks were trained."""
IMAGENET_STD = 0.229, 0.224, 0.225
"""Standard deviations of red, green and blue in [0, 1], with which all these networks were trained."""
MEAN, STD = np.array(IMAGENET_MEAN, np.float32), np.array(IMAGENET_STD, np.float32)

BILINEAR = Image.Resampling.BILINEAR
BICUBIC = Image.Resampling.BICUBIC
LARGEST_SQUARE = 8192
"""Side in pixels of the largest square of a photograph that is resampled in one step (200 MB)."""


def resized(
    image: UInt8[np.ndarray, "H W 3"],
    height: int,
    width: int,
    kernel: Image.Resampling,
    region: tuple[float, float, float, float] | None = None,
) -> UInt8[np.ndarray, "{height} {width} 3"]:
    """Resample an image, or a region of it, to `height` x `width` pixels.

    For downsampling the kernel is widened, so that there is no aliasing.

    Args:
        region: x0, y0, x1, y1 in continuous pixels, inside the image. None stands for the whole image.
    """
    return np.asarray(Image.fromarray(image).resize((width, height), kernel, box=region))


def shrunk(image: UInt8[np.ndarray, "H W 3"], square: float) -> tuple[UInt8[np.ndarray, "h w 3"], int]:
    """Shrink an image of which a large square is to be resampled, so that the square takes a bounded memory.

    Args:
        square: side of the square in pixels, which may reach beyond the image.

    Returns:
        The image with means over blocks of factor x factor pixels, and the factor. An image of which the square has at
        most `LARGEST_SQUARE` pixels a side is returned as it is, with the factor 1.
    """
    factor = max(1, math.ceil(square / LARGEST_SQUARE))
    return (np.asarray(Image.fromarray(image).reduce(factor)) if factor > 1 else image), factor


def normalised(image: UInt8[np.ndarray, "H W 3"]) -> Float32[np.ndarray, "3 H W"]:
    """Normalise pixels as (pixel / 255 - MEAN) / STD, and move the channels first."""
    return ((image.astype(np.float32) / 255 - MEAN) / STD).transpose(2, 0, 1)
