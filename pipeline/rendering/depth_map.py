"""Depth map of a mesh."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pipeline.rendering.rasterizer import Rasterizer


def depth_map(
    rasterizer: Rasterizer, clip: Float[Tensor, "B V 4"], faces: Int[Tensor, "F 3"], size: int
) -> Float[Tensor, "B S S"]:
    """Depth of the nearest face at each of S x S pixels, with row 0 at the top. Infinite where there is no face.

    Args:
        clip: clip coordinates of the vertices, with the camera depth as w.
    """
    rast = rasterizer.rasterize(clip, faces, (size, size))
    depth = rasterizer.interpolate(clip[..., 3:], rast, faces)[..., 0]
    return torch.where(rast[..., 3] > 0, depth, torch.inf)
