"""Rotary position embedding of tokens that lie on a grid (Su et al., RoFormer, 2021; in two dimensions)."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

BASE = 100.0


class Rotary(NamedTuple):
    """Rotations of T tokens: for the axes y and x, Q angles each."""

    cos: Float[Tensor, "T 2 Q"]
    sin: Float[Tensor, "T 2 Q"]


def grid_rotary(side: int, special: int, like: Float[Tensor, "..."], head_dim: int) -> Rotary:
    """Rotations of `special` tokens at (0, 0) and then of side x side patches, row by row, at (1..side, 1..side).

    With p the token's position on an axis and d = head_dim / 2, the i-th angle is p BASE^(-2 i / d), i < d / 2.

    Args:
        like: gives device and dtype.
    """
    half = head_dim // 2
    frequencies = BASE ** (-torch.arange(0, half, 2, device=like.device, dtype=like.dtype) / half)
    steps = torch.arange(1, side + 1, device=like.device, dtype=like.dtype)
    patches = torch.cartesian_prod(steps, steps)
    positions = torch.cat([patches.new_zeros(special, 2), patches])
    angles = positions[..., None] * frequencies
    return Rotary(angles.cos(), angles.sin())


def rotate(x: Float[Tensor, "B heads T D"], rotary: Rotary) -> Float[Tensor, "B heads T D"]:
    """Turn queries or keys by their tokens' positions.

    A head's features are four quarters (a, b, c, d): each pair (a_i, b_i) turns by the i-th angle of y and each pair
    (c_i, d_i) by that of x.
    """
    first, second = x.unflatten(-1, (2, 2, -1)).unbind(-2)
    turned = [first * rotary.cos - second * rotary.sin, first * rotary.sin + second * rotary.cos]
    return torch.stack(turned, -2).flatten(-3)
