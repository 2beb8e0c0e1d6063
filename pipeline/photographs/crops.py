"""Square crops round an object, and the maps between original pixels and crop coordinates.

Crop coordinates (u, v) are continuous: (0, 0) is the top left corner of the crop, (1, 1) the bottom right one.
"""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, Shaped

from pipeline.photographs.records import Box


class Crop(NamedTuple):
    """A square region of the original image, in continuous pixels; it may reach beyond the image."""

    x0: float
    y0: float
    side: float


def square_crop(box: Box, margin: float) -> Crop:
    """The square centred on `box` whose side is `margin` times the longer side of the box."""
    side = margin * max(box.width, box.height)
    cx, cy = box.centre
    return Crop(cx - side / 2, cy - side / 2, side)


def to_crop(points: Float[np.ndarray, "*N 2"], crop: Crop) -> Float[np.ndarray, "*N 2"]:
    """Crop coordinates of points in original pixels."""
    return (points - np.array([crop.x0, crop.y0])) / crop.side


def from_crop(points: Float[np.ndarray, "*N 2"], crop: Crop) -> Float[np.ndarray, "*N 2"]:
    """Original pixels of points in crop coordinates."""
    return points * crop.side + np.array([crop.x0, crop.y0])


def sample_crop(
    image: Shaped[np.ndarray, "H W *C"], crop: Crop, size: int, smooth: bool = True
) -> Shaped[np.ndarray, "S S *C"]:
    """Resample `crop` to `size` x `size` pixels; what lies outside the image is zero.

    Args:
        smooth: bilinear, after a Gaussian that removes what the smaller grid cannot hold; otherwise nearest pixel.
    """
    scale = crop.side / size
    if smooth and scale > 1:
        image = cv2.GaussianBlur(image, (0, 0), 0.5 * np.sqrt(scale**2 - 1) + 1e-6)
    # cv2 puts pixel centres at integers: output pixel i samples x0 + (i + 0.5) * scale - 0.5.
    shift = 0.5 * scale - 0.5
    matrix = np.array([[scale, 0, crop.x0 + shift], [0, scale, crop.y0 + shift]])
    flags = (cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST) | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
