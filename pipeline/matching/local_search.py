"""Local feature search round a projected vertex (SEMAGIC Eq. 11)."""

import math
from functools import lru_cache

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

from pipeline.matching.feature_map import neighbour_products, product_weights, weights_between

BLOCK = 1 << 17
"""Similarities that are held at once; 1 MB."""
BELOW_ALL = -2.0
"""A value less than any cosine, for points that may not be an answer."""


def local_search(
    reference: Float[Tensor, "K C"],
    target: Float[Tensor, "T T C"],
    start: Float[Tensor, "K 2"],
    region: Float[Tensor, "2 2"],
    window_area: float,
    resolution: int,
) -> Float[Tensor, "K 2"]:
    """SEMAGIC Eq. 11: p* = argmax over p in W(p0) of cos(f, F_B(p)), F_B interpolated bilinearly.

    W(p0) is the square grid of points centred exactly on p0, 1 / `resolution` apart, that covers `window_area`. Of
    equally similar points (to 6 decimals) the one nearest to p0 wins; where all of W(p0) is outside `region` p0
    itself is returned. Similarities are computed in double precision, so that the 6 decimals are exact.

    Args:
        reference: feature f of each query.
        target: the target's tokens.
        start: p0 in crop coordinates of the target.
        region: lowest and highest (u, v) that may be an answer: the part of the crop that is inside the photograph.
        window_area: area of W as a share of the crop's area.
        resolution: pixels along the crop.

    Returns:
        p* in crop coordinates of the target.
    """
    steps, order = _window(window_area, resolution)
    lines = start[..., None] + (steps.double() / resolution).to(start.dtype)
    target = target.double()
    squares = neighbour_products(target)
    directions = functional.normalize(reference.double(), dim=-1, eps=1e-8)
    best = []
    size = max(1, BLOCK // len(order))
    for piece, f in zip(lines.split(size), directions.split(size), strict=True):
        similarity = _similarities(f, target, squares, piece.double(), (len(steps) - 1) / resolution)
        u, v = ((piece >= region[0, :, None]) & (piece <= region[1, :, None])).unbind(1)
        inside = u[:, :, None] & v[:, None]
        similarity = similarity.round_(decimals=6).masked_fill_(~inside, BELOW_ALL)
        # Of equal values argmax returns the first, which is the nearest.
        best.append(similarity.flatten(1)[:, order].argmax(-1))
    return start + window_offsets(window_area, resolution).to(start.dtype)[torch.cat(best)]


def window_offsets(window_area: float, resolution: int) -> Float[Tensor, "W 2"]:
    """Offsets of the window's points from its centre, in crop coordinates, by rising distance, in double precision.

    A side has 2 floor(sqrt(area) resolution / 2) + 1 points.
    """
    steps, order = _window(window_area, resolution)
    return torch.cartesian_prod(steps, steps).reshape(-1, 2)[order].double() / resolution


@lru_cache
def _window(area: float, resolution: int) -> tuple[Int64[Tensor, "W"], Int64[Tensor, "W*W"]]:
    """Steps along a side of the window, and the order of its points (column by column) by their distance."""
    reach = math.floor(math.sqrt(area) * resolution / 2)
    steps = torch.arange(-reach, reach + 1)
    distance = steps[:, None].square() + steps.square()
    return steps, distance.flatten().sort(stable=True).indices


def _similarities(
    directions: Float[Tensor, "K C"],
    target: Float[Tensor, "T T C"],
    squares: Float[Tensor, "Z Z"],
    lines: Float[Tensor, "K 2 W"],
    side: float,
) -> Float[Tensor, "K W W"]:
    """Cosines at the crossings of the columns u and the rows v in `lines`, ordered by u and then v; see `feature_map`.

    Args:
        directions: features of unit length.
        squares: `neighbour_products` of the target.
        side: distance from the first to the last line, as a share of the crop.
    """
    grid = len(target)
    # As many patches as the window may touch.
    count = min(grid, math.floor(side * grid) + 3)
    first = (lines[..., 0] * grid - 0.5).clamp(0, grid - count).long()
    patches = first[..., None] + torch.arange(count)
    weights = weights_between(lines, patches, grid)
    near = 2 * first[..., None] + torch.arange(2 * count - 1)
    products = (directions @ target.flatten(0, 1).T).unflatten(1, (grid, grid))
    products = products[torch.arange(len(lines))[:, None, None], patches[:, 1, None], patches[:, 0, :, None]]
    lengths = _between(squares[near[:, 1, None], near[:, 0, :, None]], product_weights(weights)).clamp_min_(1e-16)
    return _between(products, weights).mul_(lengths.rsqrt_())


def _between(values: Float[Tensor, "K B B"], weights: Float[Tensor, "K 2 W B"]) -> Float[Tensor, "K W W"]:
    """Interpolate values, given by column and row of patches, along both axes."""
    return weights[:, 0] @ values @ weights[:, 1].transpose(1, 2)
