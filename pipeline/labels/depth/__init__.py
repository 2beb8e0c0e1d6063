"""Relative depth. On disk: a float16 array [h, w] of disparity over the whole photograph, standardised."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import cv2
import numpy as np
from jaxtyping import Float32

from pipeline.base.errors import InputError
from pipeline.base.files import write_atomically
from pipeline.photographs.photo import Photo


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


def write_depth(path: Path, disparity: Float32[np.ndarray, "h w"]) -> None:
    """Write disparity, shifted and scaled to mean 0 and standard deviation 1 over the image.

    Raises:
        InputError: the disparity is constant or not finite.
    """
    std = disparity.std(dtype=np.float64)
    if not (np.isfinite(disparity).all() and std > 0):
        raise InputError(f"{path.name}: the disparity is constant or not finite; there is no depth to learn from.")
    label = ((disparity - disparity.mean(dtype=np.float64)) / std).astype(np.float16)
    write_atomically(path, lambda stream: np.save(stream, label))


def read_depth(path: Path, height: int, width: int) -> Float32[np.ndarray, "{height} {width}"]:
    """Read standardised disparity (mean 0, standard deviation 1 over the image, larger is nearer).

    Args:
        height: of the photograph in pixels, to which a map of another resolution is interpolated; so is `width`.

    Raises:
        InputError: there is no such label.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected a depth label, found none. Run the stage `depth`; its summary lists skips.")
    disparity = np.load(path).astype(np.float32)
    if disparity.shape == (height, width):
        return disparity
    return cv2.resize(disparity, (width, height), interpolation=cv2.INTER_LINEAR)
