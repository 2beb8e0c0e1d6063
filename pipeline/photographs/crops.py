"""Square crops round an object, and the maps between original pixels and crop coordinates.

Crop coordinates (u, v) are continuous: (0, 0) is the top left corner of the crop, (1, 1) the bottom right one.
"""

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, Shaped

from pipeline.photographs.records import Box

COARSEST = 16.0
"""Pixels of an image in one of a crop, along an axis, up to which the image itself is smoothed."""
GROUP = 64
"""Pixels that a processor may handle at once, or a multiple of their number."""


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

    The time depends on the crop, not on the image: only what the crop shows is smoothed, and a crop of more than
    `COARSEST` pixels in one of its own is first reduced to the means of squares.

    Args:
        smooth: bilinear, after a Gaussian that removes what the smaller grid cannot hold; otherwise nearest pixel.
    """
    if smooth and crop.side / size > COARSEST:
        image, crop = _reduced(image, crop, int(crop.side / size / (COARSEST / 2)))
    scale = crop.side / size
    if smooth and scale > 1:
        image = _smoothed(image, crop, 0.5 * np.sqrt(scale**2 - 1) + 1e-6)
    # cv2 puts pixel centres at integers: output pixel i samples x0 + (i + 0.5) * scale - 0.5.
    shift = 0.5 * scale - 0.5
    matrix = np.array([[scale, 0, crop.x0 + shift], [0, scale, crop.y0 + shift]])
    flags = (cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST) | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=0)


def _smoothed(image: Shaped[np.ndarray, "H W *C"], crop: Crop, sigma: float) -> Shaped[np.ndarray, "H W *C"]:
    """The image after a Gaussian where the crop shows it, to the last bit, and zero elsewhere."""
    # OpenCV's kernel has this many pixels on each side of its centre.
    reach = int(sigma * (3 if image.dtype == np.uint8 else 4)) + 2
    rows = _window(crop.y0, crop.side, reach, image.shape[0])
    columns = _window(crop.x0, crop.side, reach, image.shape[1])
    part = image[rows, columns]
    if part.size in (0, image.size):
        return cv2.GaussianBlur(image, (0, 0), sigma) if part.size else image
    smoothed = np.zeros_like(image)
    smoothed[rows, columns] = cv2.GaussianBlur(part, (0, 0), sigma).reshape(part.shape)
    return smoothed


def _window(start: float, side: float, reach: int, end: int) -> slice:
    """The pixels along one axis that decide what a crop shows of a smoothed image."""
    first, last = int(np.floor(start)) - reach - 1, int(np.ceil(start + side)) + reach + 1
    # A processor rounds the last few numbers of a row otherwise than the groups before: whole groups stay whole.
    first, last = first // GROUP * GROUP, (last // GROUP + 2) * GROUP
    return slice(max(first, 0), max(min(last, end), 0))


def _reduced(image: Shaped[np.ndarray, "H W *C"], crop: Crop, factor: int) -> tuple[Shaped[np.ndarray, "h w *C"], Crop]:
    """The means of squares of `factor` pixels where the crop shows them, and the crop among them."""
    top, bottom = _squares(crop.y0, crop.side, factor, image.shape[0])
    left, right = _squares(crop.x0, crop.side, factor, image.shape[1])
    part = image[top:bottom, left:right]
    part = cv2.copyMakeBorder(part, 0, -part.shape[0] % factor, 0, -part.shape[1] % factor, cv2.BORDER_REPLICATE)
    small = cv2.resize(part, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    place = Crop((crop.x0 - left) / factor, (crop.y0 - top) / factor, crop.side / factor)
    return small.reshape(*small.shape[:2], *image.shape[2:]), place


def _squares(start: float, side: float, factor: int, end: int) -> tuple[int, int]:
    """First pixel, and the one behind the last, of the squares along an axis that a crop shows: at least one square."""
    first = min(max(int(start) // factor - 1, 0), (end - 1) // factor) * factor
    return first, max(int(start + side) + 2 * factor, first + 1)
