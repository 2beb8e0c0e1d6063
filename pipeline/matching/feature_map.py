"""Bilinear interpolation of a grid of patch features between its patches.

Token [i, j] lies at ((j + 0.5) / T, (i + 0.5) / T) of the crop; beyond the outermost tokens the border's value goes on.

Interpolation is one along the rows and one along the columns, and it is linear: with weights v of the rows and u of the
columns F = sum_ij v_i u_j F_ij, so that f . F is interpolated from the f . F_ij, and

    |F|^2 = sum_ii' sum_jj' v_i v_i' u_j u_j' F_ij . F_i'j'

has terms of neighbours only, as no other weights are both positive. Cosines need no interpolated feature.
"""

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional


def sample_map(tokens: Float[Tensor, "T T C"], points: Float[Tensor, "*N 2"]) -> Float[Tensor, "*N C"]:
    """Interpolate the features at `points`, in crop coordinates."""
    grid = 2 * points.reshape(1, 1, -1, 2) - 1
    values = functional.grid_sample(
        tokens.permute(2, 0, 1)[None], grid.to(tokens.dtype), padding_mode="border", align_corners=False
    )
    return values[0, :, 0].T.reshape(*points.shape[:-1], tokens.shape[-1])


def weights_between(
    points: Float[Tensor, "*N W"], patches: Int64[Tensor, "*N B"], grid: int
) -> Float[Tensor, "*N W B"]:
    """Weights of some patches along one axis at coordinates of the crop; they sum to one if no needed patch is missing.

    Args:
        patches: consecutive indices.
        grid: number T of all patches.
    """
    place = (points * grid - 0.5).clamp(0, grid - 1)
    return (1 - (place[..., None] - patches[..., None, :]).abs()).clamp_min(0)


def product_weights(weights: Float[Tensor, "*N B"]) -> Float[Tensor, "*N 2*B-1"]:
    """Weights of the terms of |F|^2 along one axis: w_b^2 and, between each two of these, w_b w_b+1."""
    squares = weights.square()
    between = weights[..., :-1] * weights[..., 1:]
    mixed = torch.stack([squares[..., :-1], between], -1).flatten(-2)
    return torch.cat([mixed, squares[..., -1:]], -1)


def neighbour_products(tokens: Float[Tensor, "T T C"]) -> Float[Tensor, "2*T-1 2*T-1"]:
    """Inner products F_ij . F_i'j' of neighbours, the terms of |F|^2 that `product_weights` of both axes weight.

    An even index 2 i stands for i = i', the odd one after it for both orders of i and i + 1.
    """
    side = 2 * len(tokens) - 1
    products = tokens.new_empty(side, side)
    left, right, upper, lower = tokens[:, :-1], tokens[:, 1:], tokens[:-1], tokens[1:]
    products[::2, ::2] = _inner(tokens, tokens)
    products[::2, 1::2] = 2 * _inner(left, right)
    products[1::2, ::2] = 2 * _inner(upper, lower)
    products[1::2, 1::2] = 2 * (_inner(left[:-1], right[1:]) + _inner(right[:-1], left[1:]))
    return products


def _inner(a: Float[Tensor, "H W C"], b: Float[Tensor, "H W C"]) -> Float[Tensor, "H W"]:
    return torch.einsum("ijc,ijc->ij", a, b)
