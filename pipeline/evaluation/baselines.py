"""Nearest neighbours in feature space over the whole target (the protocol of `dift`'s eval_spair.py).

p* = argmax over the pixels p of cos(f, F_B(p)), the target's features F_B interpolated bilinearly to S x S pixels. Two
properties of the interpolation give the same answer as the upsampled features without making them:

It is linear. Between four neighbouring patches F_B(p) = sum_i w_i(p) F_i with w_i >= 0, sum_i w_i = 1. So f . F_B(p) is
interpolated from the f . F_i, a matrix product for all queries, and |F_B(p)|^2 = sum_ij w_i w_j F_i . F_j.

It is convex. f . F_B(p) <= m = max_i f . F_i between these patches, so that cos <= m / min |F_B(p)| if m >= 0, and
m / max |F_B(p)| otherwise. Most cells are thereby known not to have the best pixel, and only the rest is looked at.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn import functional

SAME = 1e-9
"""Cosines that differ by less are taken for equal, and the first pixel in reading order is the answer. Beyond the
outermost patches features are constant, so that equal cosines are common, and no two ways of computing them agree to
the last bit."""
BLOCK = 1 << 21
"""Cosines that are held at once at most, if no cell can be left out; 16 MB."""


class Strips(NamedTuple):
    """The rows (or columns) of pixels between each two neighbouring rows (columns) of patches.

    Strip 0 is before the first patch and the last strip, L = T + 1 in number, is beyond the last patch; all are filled
    up to the same number M of pixels.
    """

    pixel: Int64[Tensor, "L M"]
    filled: Bool[Tensor, "L M"]
    """Those that are no pixels."""
    weights: Float[Tensor, "L M 2"]
    """Of the patches before and behind."""


class Cells(NamedTuple):
    """The pixels between each four neighbouring patches of one image."""

    pixel: Int64[Tensor, "G P"]
    """Position in reading order."""
    allowed: Bool[Tensor, "G P"]
    norms: Float[Tensor, "G P"]
    """|F_B(p)|."""


def nearest_neighbour(
    features: Float[Tensor, "K C"], tokens: Float[Tensor, "T T C"], allowed: Bool[Tensor, "S S"]
) -> Float[Tensor, "K 2"]:
    """The pixel of the target that is most similar to each query; see the module.

    It is computed in double precision, which costs little here and leaves nothing to rounding but true ties (`SAME`).

    Args:
        features: f of each query; their lengths do not matter.
        tokens: the target's.
        allowed: pixels that may be an answer; if there is none, all may.

    Returns:
        Centres of the best pixels, in crop coordinates of the target, of the features' type.
    """
    size, grid = len(allowed), len(tokens)
    tokens = tokens.double()
    strips = make_strips(grid, size)
    cells = _make_cells(tokens, allowed if allowed.any() else torch.ones_like(allowed), strips)
    directions = functional.normalize(features.double(), dim=-1, eps=1e-12)
    best = [
        _best_pixels((piece @ tokens.reshape(-1, tokens.shape[-1]).T).reshape(-1, grid, grid), cells, strips)
        for piece in directions.split(max(1, BLOCK // cells.pixel.numel()))
    ]
    pixel = torch.cat(best)
    return (torch.stack([pixel % size, pixel // size], -1) + 0.5).double().div(size).to(features.dtype)


def make_strips(grid: int, size: int) -> Strips:
    """Strips of `size` pixels over `grid` patches; the same for rows and columns."""
    place = (torch.arange(size, dtype=torch.float64) + 0.5) * grid / size + 0.5
    strip = place.floor().long()
    counts = strip.bincount(minlength=grid + 1)
    within = torch.arange(int(counts.max()))
    filled = within >= counts[:, None]
    pixel = (counts.cumsum(0) - counts)[:, None] + within
    pixel = pixel.masked_fill(filled, 0)
    fraction = (place - strip)[pixel]
    return Strips(pixel, filled, torch.stack([1 - fraction, fraction], -1))


def _corners(maps: Float[Tensor, "K T T"]) -> Float[Tensor, "K E E"]:
    """Repeat the outermost patches, as the interpolation does: cell [i, j] has the corners [i : i + 2, j : j + 2]."""
    return functional.pad(maps[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]


def _make_cells(tokens: Float[Tensor, "T T C"], allowed: Bool[Tensor, "S S"], strips: Strips) -> Cells:
    padded = _corners(tokens.permute(2, 0, 1)).permute(1, 2, 0)
    four = torch.stack([padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]], 2)
    side, many = strips.pixel.shape
    # Index of a product F_i . F_j: rows of both patches, then columns of both.
    products = (four @ four.transpose(2, 3)).reshape(side, side, 2, 2, 2, 2).permute(0, 1, 2, 4, 3, 5)
    squares = (strips.weights[..., :, None] * strips.weights[..., None, :]).flatten(2)
    norms = torch.einsum("iak,ijkl,jbl->ijab", squares, products.reshape(side, side, 4, 4), squares)
    rows, columns = strips.pixel[:, None, :, None], strips.pixel[None, :, None, :]
    places = ~strips.filled[:, None, :, None] & ~strips.filled[None, :, None, :] & allowed[rows, columns]
    shape = (side * side, many * many)
    return Cells(
        (rows * len(allowed) + columns).reshape(shape),
        places.reshape(shape),
        norms.clamp_min(0).sqrt().clamp_min(1e-12).reshape(shape),
    )


def _best_pixels(products: Float[Tensor, "K T T"], cells: Cells, strips: Strips) -> Int64[Tensor, "K"]:
    """First of the best allowed pixels in reading order, of the products f . F_i."""
    corners = _corners(products)
    query = torch.arange(len(products))
    bounds = _bounds(corners, cells)
    # The most promising cell's best pixel leaves few other cells to be looked at.
    found = _cosines(corners, query, bounds.argmax(1), cells, strips).amax(1)
    query, cell = (bounds >= found[:, None] - SAME).nonzero().unbind(-1)
    cosines = _cosines(corners, query, cell, cells, strips)
    best = found.scatter_reduce(0, query, cosines.amax(1), "amax")
    pixel = torch.where(cosines >= best[query, None] - SAME, cells.pixel[cell], cells.pixel.numel()).amin(1)
    return torch.full_like(best, cells.pixel.numel(), dtype=torch.int64).scatter_reduce(0, query, pixel, "amin")


def _bounds(corners: Float[Tensor, "K E E"], cells: Cells) -> Float[Tensor, "K G"]:
    """What no cosine in a cell exceeds; minus infinity where nothing is allowed."""
    most = functional.max_pool2d(corners[:, None], 2, stride=1).flatten(1)
    shortest = cells.norms.masked_fill(~cells.allowed, torch.inf).amin(1)
    longest = cells.norms.masked_fill(~cells.allowed, 0).amax(1).clamp_min(1e-12)
    bounds = torch.where(most >= 0, most / shortest, most / longest)
    return bounds.masked_fill(~cells.allowed.any(1), -torch.inf)


def _cosines(
    corners: Float[Tensor, "K E E"],
    query: Int64[Tensor, "M"],
    cell: Int64[Tensor, "M"],
    cells: Cells,
    strips: Strips,
) -> Float[Tensor, "M P"]:
    """At the pixels of some queries' cells; minus infinity where a match may not lie."""
    side = len(strips.pixel)
    row, column = cell // side, cell % side
    upper, lower = (
        torch.stack([corners[query, row + below, column], corners[query, row + below, column + 1]], -1)
        for below in (0, 1)
    )
    vertical, horizontal = strips.weights[row], strips.weights[column]
    lines = vertical[..., :1] * upper[:, None] + vertical[..., 1:] * lower[:, None]
    values = lines[..., :1] * horizontal[:, None, :, 0] + lines[..., 1:] * horizontal[:, None, :, 1]
    return (values.flatten(1) / cells.norms[cell]).masked_fill(~cells.allowed[cell], -torch.inf)
