"""Relative depth. On disk: a float16 array [h, w] of disparity over the whole photograph, standardised."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Float, Float32

from pipeline.base.checksums import checked, is_listed
from pipeline.base.contents import parsing
from pipeline.base.errors import InputError
from pipeline.base.files import write_atomically
from pipeline.labels.stored import REMEDY, as_half
from pipeline.photographs.photo import Photo

FLAT = 1e-6
"""Spread of a map, as a share of its mean, up to which it is flat and its relief a rounding error of float32."""


@runtime_checkable
class DepthBackend(Protocol):
    """Anything that ranks the pixels of a photograph by depth."""

    def disparities(self, photos: Sequence[Photo]) -> list[Float32[np.ndarray, "h w"]]:
        """a / z + b for camera depth z, with unknown a > 0 and b for each image: larger is nearer.

        A map covers its whole photograph, in any resolution.

        Raises:
            InputError: one of the images cannot be labelled.
        """
        ...


def write_depth(path: Path, disparity: Float[np.ndarray, "..."]) -> None:
    """Write a disparity map [h, w], shifted and scaled to mean 0 and standard deviation 1 over the image.

    Raises:
        InputError: the map has another shape, is flat, or holds numbers that are not finite as they are stored.
    """
    if disparity.ndim != 2 or not disparity.size:
        raise InputError(f"{path.name}: expected a disparity map [h, w], found the shape {disparity.shape}. {REMEDY}")
    if not np.isfinite(disparity).all():
        raise InputError(f"{path.name}: expected finite disparities, found others. {REMEDY}")
    mean, std = disparity.mean(dtype=np.float64), disparity.std(dtype=np.float64)
    if std <= FLAT * abs(mean):
        raise InputError(f"{path.name}: expected disparities with a relief, found a constant map of {mean:g}. {REMEDY}")
    label = as_half((disparity - mean) / std, path.name)
    write_atomically(path, lambda stream: np.save(stream, label))


def read_depth(path: Path, height: int, width: int) -> Float32[np.ndarray, "{height} {width}"]:
    """Read standardised disparity (mean 0, standard deviation 1 over the image, larger is nearer).

    Args:
        height: of the photograph in pixels, to which a map of another resolution is interpolated; so is `width`.

    Raises:
        InputError: there is no such label, or it is damaged.
    """
    if not is_listed(path):
        raise InputError(f"{path}: expected a depth label, found none. Run the stage `depth`; its summary lists skips.")
    with parsing(checked(path), "a depth label, an array [h, w] of finite numbers"):
        disparity = np.load(path, allow_pickle=False).astype(np.float32)
        if disparity.ndim != 2 or not disparity.size or not np.isfinite(disparity).all():
            raise ValueError(f"an array {list(disparity.shape)} with other numbers")
    if disparity.shape == (height, width):
        return disparity
    return cv2.resize(disparity, (width, height), interpolation=cv2.INTER_LINEAR)
