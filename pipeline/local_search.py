"""Local feature search round a projected vertex (SEMAGIC Eq. 11)."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pipeline.feature_map import sample_map


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
    itself is returned.

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
    candidates = start[:, None] + window_offsets(window_area, resolution).to(start.dtype)
    similarity = functional.cosine_similarity(sample_map(target, candidates), reference[:, None], dim=-1)
    inside = ((candidates >= region[0]) & (candidates <= region[1])).all(-1)
    best = similarity.round(decimals=6).masked_fill(~inside, -torch.inf).argmax(-1)
    return candidates[torch.arange(len(start)), best]


def window_offsets(window_area: float, resolution: int) -> Float[Tensor, "W 2"]:
    """Offsets of the window's points from its centre, in crop coordinates, by rising distance.

    A side has 2 floor(sqrt(area) resolution / 2) + 1 points.
    """
    reach = math.floor(math.sqrt(window_area) * resolution / 2)
    steps = torch.arange(-reach, reach + 1)
    grid = torch.cartesian_prod(steps, steps).reshape(-1, 2)
    order = grid.square().sum(-1).sort(stable=True).indices
    return grid[order] / resolution
