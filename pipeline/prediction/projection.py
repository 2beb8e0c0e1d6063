"""The projected template of one image, and the test which of its vertices are visible (SEMAGIC Eq. 9)."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pipeline.photographs.crops import Crop, from_crop, to_crop


class Projection(NamedTuple):
    """The deformed template of one image; vertex i is the same point of the category in every image (Eq. 8)."""

    vertices: Float[Tensor, "N 2"]
    """Projected vertices in continuous pixels of the original image, or in crop coordinates."""
    visible: Bool[Tensor, "N"]
    rotation: Float[Tensor, "3 3"]
    """Rotation from the object frame to the camera frame."""

    def from_crop(self, crop: Crop) -> "Projection":
        """The projection in pixels of the original image, in single precision, given one in crop coordinates."""
        pixels = from_crop(self.vertices.double().numpy(), crop).astype(np.float32)
        return self._replace(vertices=torch.from_numpy(pixels))

    def to_crop(self, crop: Crop) -> "Projection":
        """The projection in crop coordinates, in double precision, given one in pixels of the original image."""
        return self._replace(vertices=torch.from_numpy(to_crop(self.vertices.double().numpy(), crop)))


def visible_vertices(
    points: Float[Tensor, "N 2"], depth: Float[Tensor, "N"], depth_map: Float[Tensor, "S S"], tolerance: float
) -> Bool[Tensor, "N"]:
    """Z-buffer test (SEMAGIC Eq. 9): V_vis = {i : d_i <= D(pi(v_i)) + eps}; D is read at the nearest pixel.

    Args:
        points: projected vertices in crop coordinates; those outside [0, 1) are invisible.
        depth: positive camera depth d_i.
        depth_map: rendered depth D over the crop, row 0 at the top, infinite where there is no surface.
        tolerance: eps, in the unit of the depths.
    """
    size = depth_map.shape[0]
    inside = ((points >= 0) & (points < 1)).all(-1)
    column, row = (points.nan_to_num() * size).long().clamp(0, size - 1).unbind(-1)
    return inside & (depth <= depth_map[row, column] + tolerance)
