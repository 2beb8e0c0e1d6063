"""Minimising a function of poses by the cross-entropy method, for many images and from several starts at once.

Rubinstein, The Cross-Entropy Method for Combinatorial and Continuous Optimization (1999): each round draws samples from
a normal distribution, and fits the next one to the best of them.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.config.refinement_params import Refine

Function = Callable[[Float[Tensor, "B M D"]], Float[Tensor, "B M"]]
"""What is minimised: the values of M points of each of B images."""


class Searched(NamedTuple):
    """All points at which the function was evaluated."""

    points: Float[Tensor, "B M D"]
    values: Float[Tensor, "B M"]


def cross_entropy_search(
    function: Function,
    starts: Float[Tensor, "S D"],
    spread: Float[Tensor, "D"],
    images: int,
    params: Refine,
    generator: torch.Generator,
) -> Searched:
    """Evaluate the starts, and search round the best ones of each image.

    Each of the best starts has a normal distribution of its own, with independent coordinates. All images and starts
    share the draws, so that an image's result does not depend on which others are searched with it.

    Args:
        starts: points that are evaluated first.
        spread: standard deviations of the first round.
        images: number B of images.
        params: gives the numbers of starts that are kept, of rounds, of samples and of elites, and the memory.
        generator: on the CPU.
    """
    tried = starts[None].expand(images, -1, -1)
    points, values = [tried], [function(tried)]
    kept = values[0].topk(min(params.kept, len(starts)), dim=1, largest=False).indices
    mean = _rows(tried, kept)
    width = spread.expand_as(mean)
    # The next mean leans towards the best, with weights that fall by a constant factor.
    weights = torch.softmax(-torch.arange(params.elite) / 2, 0).to(spread)[:, None]
    for _ in range(params.rounds):
        draws = torch.randn(params.samples, starts.shape[1], generator=generator).to(spread)
        tried = mean[:, :, None] + draws * width[:, :, None]
        found = function(tried.flatten(1, 2))
        points.append(tried.flatten(1, 2))
        values.append(found)
        best = found.unflatten(1, mean.shape[1:2] + (-1,)).topk(params.elite, dim=2, largest=False).indices
        elite = tried.gather(2, best[..., None].expand(-1, -1, -1, tried.shape[-1]))
        deviation = (weights * (elite - mean[:, :, None]).square()).sum(2).sqrt()
        width = params.memory * width + (1 - params.memory) * deviation
        mean = (weights * elite).sum(2)
    return Searched(torch.cat(points, 1), torch.cat(values, 1))


def _rows(points: Float[Tensor, "B M D"], index: Tensor) -> Float[Tensor, "B S D"]:
    return points.gather(1, index[..., None].expand(-1, -1, points.shape[-1]))
