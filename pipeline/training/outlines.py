"""The silhouette term on images that are not rendered: projected vertices of the mesh beside the mask's outline.

Rendering shows a mesh what a silhouette lacks at every pixel, and takes most of a step. The encoder, which has to learn
how the shapes of instances differ, needs many images more than exactness: here a step compares a few vertices of each
of many meshes with the outline of its mask.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pipeline.hardware.transfers import send

VERTICES = 128
"""Vertices of each mesh that a step projects."""
POINTS = 128
"""Points of each outline that a step compares with them."""
REACH = 0.05
"""Distance from a projected vertex up to which the outline counts as met [half sides of the crop]: half the distance
between neighbours among `VERTICES` projected vertices."""
BORDER = 1.5
"""Largest distance to the mask's border of the pixels that are its outline [pixels]."""


def outline_loss(
    projected: Float[Tensor, "B K 2"],
    outline: Float[Tensor, "B P 2"],
    distance: Float[Tensor, "B S S"],
) -> Float[Tensor, "B"]:
    """How far vertices stray from the mask, and outlines from the vertices: mean_k d(v_k)^2 + mean_p m(p)^2.

    d is the distance to the mask, zero inside it (beyond the crop: to the crop, and from there), and m(p) what the
    distance from p to the nearest vertex exceeds `REACH` by. All are in half sides of the crop. An image without a mask
    has 0.

    Args:
        projected: vertices in the crop, x to the right and y down, in [-1, 1].
        outline: points of the mask's outline, in the same coordinates.
        distance: signed distance to the mask's border in pixels, positive inside; row 0 is the top.
    """
    size, outside = distance.shape[-1], (-distance).clamp(min=0)
    # Between the centres of the outermost pixels the distance is known.
    within = projected.clamp(1 / size - 1, 1 - 1 / size)
    to_mask = functional.grid_sample(outside[:, None], within[:, None], align_corners=False)[:, 0, 0]
    strayed = to_mask * (2 / size) + (projected - within).norm(dim=-1)
    missed = (torch.cdist(outline, projected).amin(-1) - REACH).clamp(min=0)
    found = (distance > 0).flatten(1).any(1)
    return torch.where(found, strayed.square().mean(-1) + missed.square().mean(-1), 0.0)


def draw_outline(
    distance: Float[Tensor, "B S S"], points: int, generator: torch.Generator
) -> Float[Tensor, "B points 2"]:
    """Centres of random border pixels of each mask, in the crop's coordinates; the same one may be drawn twice.

    Args:
        distance: signed distance to the mask's border in pixels, positive inside. Where nothing is inside, the points
            are anywhere.
    """
    batch, size, _ = distance.shape
    border = ((distance > 0) & (distance < BORDER)).flatten(1)
    # Ranks among an image's border pixels, and the pixels that have them.
    count = border.cumsum(1)
    rank = torch.rand(batch, points, generator=generator).to(torch.float64)
    rank = (send(rank, distance.device) * count[:, -1:]).long() + 1
    pixel = torch.searchsorted(count, rank).clamp(max=size**2 - 1)
    return torch.stack([pixel % size, pixel // size], -1).to(distance.dtype).add(0.5) * (2 / size) - 1
