"""Nearest neighbours in feature space over the whole target (the protocol of `dift`'s eval_spair.py)."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pipeline.feature_map import upsample


class SearchMap(NamedTuple):
    """Features of one crop, prepared once for any number of searches in an upsampled map of it."""

    tokens: Float[Tensor, "T T C"]
    norms: Float[Tensor, "S S"]
    """Length of the upsampled features."""
    allowed: Bool[Tensor, "S S"]
    """Where a match may lie."""


def make_search_map(tokens: Float[Tensor, "T T C"], allowed: Bool[Tensor, "S S"]) -> SearchMap:
    """Prepare `tokens` for searches on the grid of `allowed`; a map without an allowed place allows all."""
    channels = upsample(tokens.permute(2, 0, 1), allowed.shape[0])
    return SearchMap(tokens, channels.norm(dim=0), allowed if allowed.any() else torch.ones_like(allowed))


def nearest_neighbour(features: Float[Tensor, "K C"], target: SearchMap) -> Float[Tensor, "K 2"]:
    """p* = argmax over the pixels p of cos(f, F_B(p)), F_B upsampled bilinearly to S x S.

    Interpolation is linear, so f . up(F_B) = up(f . F_B): similarities are upsampled instead of features. The length
    of f does not matter to the argmax.

    Args:
        features: f of each query.

    Returns:
        Centres of the best pixels, in crop coordinates of the target.
    """
    size = target.norms.shape[0]
    products = upsample(torch.einsum("kc,ijc->kij", features, target.tokens), size)
    cosine = (products / target.norms.clamp_min(1e-12)).masked_fill(~target.allowed, -torch.inf)
    best = cosine.flatten(1).argmax(-1)
    return (torch.stack([best % size, best // size], -1) + 0.5) / size
