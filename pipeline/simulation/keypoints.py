"""Keypoints of an object in a photograph: their places, and which of them are seen."""

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from pipeline.photographs.cameras import project_cad
from pipeline.simulation.framing import Framing
from pipeline.simulation.scene import SUPERSAMPLING, Photograph

TOLERANCE = 0.03
"""CAD units by which a keypoint may lie behind the surface in front of it and still count as seen."""


class Status(IntEnum):
    """PASCAL3D+'s status of an anchor."""

    VISIBLE = 1
    SELF_OCCLUDED = 2
    OCCLUDED = 3
    TRUNCATED = 4


class Keypoint(NamedTuple):
    """A keypoint in a photograph."""

    x: float
    """Projection in continuous pixels, whether the keypoint is seen or not."""
    y: float
    status: Status


def locate(keypoints: Mapping[str, Float[np.ndarray, "3"]], framing: Framing, photo: Photograph) -> dict[str, Keypoint]:
    """Project keypoints (CAD frame) and compare them with the z-buffer, the occluder and the frame."""
    if not keypoints:
        return {}
    points = project_cad(np.stack(list(keypoints.values())).astype(np.float64), framing.view)
    places = zip(keypoints, points.tolist(), strict=True)
    return {name: _locate(x, y, depth, framing, photo) for name, (x, y, depth) in places}


def _locate(x: float, y: float, depth: float, framing: Framing, photo: Photograph) -> Keypoint:
    if not (0 <= x < framing.width and 0 <= y < framing.height):
        return Keypoint(x, y, Status.TRUNCATED)
    subpixel = int(y * SUPERSAMPLING), int(x * SUPERSAMPLING)
    if depth > photo.z_buffer[subpixel] + TOLERANCE:
        return Keypoint(x, y, Status.SELF_OCCLUDED)
    if photo.covered[subpixel]:
        return Keypoint(x, y, Status.OCCLUDED)
    return Keypoint(x, y, Status.VISIBLE)
