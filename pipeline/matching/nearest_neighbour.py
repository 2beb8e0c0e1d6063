"""Nearest neighbours in feature space over the whole target (the protocol of `dift`'s eval_spair.py).

p* = argmax over the pixels p of cos(f, F_B(p)), the target's features F_B interpolated bilinearly to S x S pixels; but
no feature is interpolated (see `matching.feature_map`), nor are all pixels looked at. Between four neighbouring patches
F_B(p) is a mean of theirs with weights, so that f . F_B(p) is at most the greatest m of their f . F_i, and the cosine
is at most m / min |F_B(p)|, or m / max |F_B(p)| for m < 0. This rules out most of these cells.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn import functional

from pipeline.matching.feature_map import neighbour_products, product_weights, weights_between

SAME = 1e-9
"""Cosines that differ by less are taken for equal, and the first pixel in reading order is the answer. Beyond the
outermost patches features are constant, so that equal cosines are common, and no two ways of computing them agree to
the last bit."""
BLOCK = 1 << 17
"""Cosines that are held at once; 1 MB."""


class Strips(NamedTuple):
    """The rows (or columns) of pixels between each two neighbouring rows (columns) of patches.

    There are L = T + 1 of them: strip 0 is before the first patch, the last strip beyond the last patch. All are filled
    up to the same number M of pixels.
    """

    pixel: Int64[Tensor, "L M"]
    filled: Bool[Tensor, "L M"]
    """Those that are no pixels."""
    patch: Int64[Tensor, "2 L"]
    """The patches before and behind."""
    weight: Float[Tensor, "L M 2"]
    """Of both at the pixels."""


class Cells(NamedTuple):
    """The pixels between each four neighbouring patches of one image, G = L * L cells of P = M * M pixels."""

    pixel: Int64[Tensor, "G P"]
    """Position in reading order."""
    barred: Float[Tensor, "G P"]
    """Minus infinity where a match may not lie, zero elsewhere; it is added to cosines."""
    scale: Float[Tensor, "G P"]
    """1 / |F_B(p)|."""
    least: Float[Tensor, "G"]
    """Least scale of the places where a match may lie."""
    most: Float[Tensor, "G"]
    closed: Float[Tensor, "G"]
    """Minus infinity where there is no such place, zero elsewhere."""


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
    tokens, size = tokens.double(), len(allowed)
    strips = _make_strips(len(tokens), size)
    cells = _make_cells(tokens, allowed if allowed.any() else torch.ones_like(allowed), strips)
    directions = functional.normalize(features.double(), dim=-1, eps=1e-12)
    products = (directions @ tokens.flatten(0, 1).T).unflatten(1, tokens.shape[:2])
    pixel = _best_pixels(products, cells, strips)
    return (torch.stack([pixel % size, pixel // size], -1) + 0.5).double().div(size).to(features.dtype)


def _make_strips(grid: int, size: int) -> Strips:
    """Strips of `size` pixels over `grid` patches; the same for rows and columns."""
    place = (torch.arange(size, dtype=torch.float64) + 0.5) * grid / size + 0.5
    strip = place.floor().long()
    counts = strip.bincount(minlength=grid + 1)
    within = torch.arange(int(counts.max()))
    filled = within >= counts[:, None]
    pixel = ((counts.cumsum(0) - counts)[:, None] + within).masked_fill(filled, 0)
    behind = (place - strip)[pixel]
    patch = torch.stack([torch.arange(grid + 1) - 1, torch.arange(grid + 1)]).clamp(0, grid - 1)
    return Strips(pixel, filled, patch, torch.stack([1 - behind, behind], -1))


def _make_cells(tokens: Float[Tensor, "T T C"], allowed: Bool[Tensor, "S S"], strips: Strips) -> Cells:
    grid, size = len(tokens), len(allowed)
    centres = (torch.arange(size, dtype=torch.float64) + 0.5) / size
    weights = product_weights(weights_between(centres, torch.arange(grid), grid))
    norms = (weights @ neighbour_products(tokens) @ weights.T).clamp_min(0).sqrt()
    rows, columns = strips.pixel[:, None, :, None], strips.pixel[None, :, None, :]
    filled = strips.filled[:, None, :, None] | strips.filled[None, :, None, :]
    pixel = (size * rows + columns).flatten(0, 1).flatten(1)
    barred = (filled | ~allowed[rows, columns]).flatten(0, 1).flatten(1)
    scale = (1 / norms.clamp_min(1e-12)).flatten()[pixel]
    closed = barred.all(1)
    least = scale.masked_fill(barred, torch.inf).amin(1).masked_fill(closed, 0)
    most = scale.masked_fill(barred, 0).amax(1)
    return Cells(pixel, _minus_infinity(barred), scale, least, most, _minus_infinity(closed))


def _minus_infinity(where: Bool[Tensor, "*N"]) -> Float[Tensor, "*N"]:
    return torch.zeros(where.shape, dtype=torch.float64).masked_fill(where, -torch.inf)


def _best_pixels(products: Float[Tensor, "K T T"], cells: Cells, strips: Strips) -> Int64[Tensor, "K"]:
    """First of the best pixels in reading order, of the products f . F_i."""
    bounds = _bounds(products, cells, strips)

    def pieces(query: Int64[Tensor, "M"], cell: Int64[Tensor, "M"]) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        size = max(1, BLOCK // cells.pixel.shape[1])
        for part in zip(query.split(size), cell.split(size), strict=True):
            yield *part, _cosines(products, *part, cells, strips)

    def highest(query: Int64[Tensor, "M"], cell: Int64[Tensor, "M"]) -> Float[Tensor, "M"]:
        return torch.cat([cosines.amax(1) for _, _, cosines in pieces(query, cell)])

    # The most promising cell's best pixel leaves few other cells to be looked at.
    found = highest(torch.arange(len(products)), bounds.argmax(1))
    query, cell = (bounds >= found[:, None] - SAME).nonzero().unbind(1)
    peaks = highest(query, cell)
    enough = found.scatter_reduce(0, query, peaks, "amax") - SAME
    good = peaks >= enough[query]
    query, cell = query[good], cell[good]
    none = cells.pixel.numel()
    first = torch.cat(
        [torch.where(cosines >= enough[q, None], cells.pixel[c], none).amin(1) for q, c, cosines in pieces(query, cell)]
    )
    return torch.full((len(products),), none).scatter_reduce(0, query, first, "amin")


def _bounds(products: Float[Tensor, "K T T"], cells: Cells, strips: Strips) -> Float[Tensor, "K G"]:
    """What no cosine in a cell exceeds; minus infinity where there is none."""
    before, behind = strips.patch
    rows = products[:, before].maximum(products[:, behind])
    corner = rows[..., before].maximum(rows[..., behind]).flatten(1)
    # The greater of the two is m / min |F_B| for m >= 0, and m / max |F_B| for m < 0.
    return (corner * cells.most).maximum(corner * cells.least) + cells.closed


def _cosines(
    products: Float[Tensor, "K T T"],
    query: Int64[Tensor, "M"],
    cell: Int64[Tensor, "M"],
    cells: Cells,
    strips: Strips,
) -> Float[Tensor, "M P"]:
    """At the pixels of some queries' cells; minus infinity where a match may not lie."""
    side = strips.patch.shape[1]
    row, column = cell // side, cell % side
    corner = products[query[:, None, None], strips.patch[:, row].T[..., None], strips.patch[:, column].T[:, None]]
    values = strips.weight[row] @ corner @ strips.weight[column].transpose(1, 2)
    return torch.addcmul(cells.barred[cell], values.flatten(1), cells.scale[cell])
