"""Nearest neighbours in feature space over the whole target (the protocol of `dift`'s eval_spair.py).

p* = argmax over the pixels p of cos(f, F_B(p)), the target's features F_B interpolated bilinearly to S x S pixels.
Interpolation is linear (see `matching.feature_map`): with the weights W of the T patches at the S pixels of an axis and
the products P_ij = f . F_ij, all f . F_B(p) are W P W^T, and no feature is interpolated.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from pipeline.matching.feature_map import neighbour_products, product_weights, weights_between

SAME = 1e-9
"""Cosines that differ by less are taken for equal, and the first pixel in reading order is the answer. Beyond the
outermost patches features are constant, so that equal cosines are common, and no two ways of computing them agree to
the last bit."""
BLOCK = 1 << 17
"""Cosines that are held at once; 1 MB."""


def nearest_neighbour(
    features: Float[Tensor, "K C"], tokens: Float[Tensor, "T T C"], allowed: Bool[Tensor, "S S"]
) -> Float[Tensor, "K 2"]:
    """Find the pixel of the target that is most similar to each query; see the module.

    Cosines are computed in double precision, which leaves nothing to rounding but true ties (`SAME`).

    Args:
        features: f of each query; their lengths do not matter.
        tokens: F_ij, the target's features.
        allowed: pixels that may be an answer; if there is none, all may.

    Returns:
        Centres of the best pixels, in crop coordinates of the target, of the features' type.
    """
    tokens, grid, size = tokens.double(), len(tokens), len(allowed)
    centres = (torch.arange(size, dtype=torch.float64) + 0.5) / size
    weights = weights_between(centres, torch.arange(grid), grid)
    lengths = _lengths(tokens, weights)
    barred = torch.zeros_like(lengths).masked_fill_(~allowed & allowed.any(), -torch.inf)
    directions = functional.normalize(features.double(), dim=-1, eps=1e-12)
    products = (directions @ tokens.flatten(0, 1).T).unflatten(1, (grid, grid))
    best = []
    for block in products.split(max(1, BLOCK // size**2)):
        cosines = (weights @ block @ weights.T).div_(lengths).add_(barred).flatten(1)
        same = cosines >= cosines.amax(1, keepdim=True) - SAME
        # Of equal values argmax returns the first.
        best.append(same.byte().argmax(1))
    pixel = torch.cat(best)
    return (torch.stack([pixel % size, pixel // size], -1) + 0.5).double().div(size).to(features.dtype)


def _lengths(tokens: Float[Tensor, "T T C"], weights: Float[Tensor, "S T"]) -> Float[Tensor, "S S"]:
    """|F_B(p)| at all pixels, 1e-12 or more."""
    pairs = product_weights(weights)
    return (pairs @ neighbour_products(tokens) @ pairs.T).clamp_min(0).sqrt().clamp_min(1e-12)
