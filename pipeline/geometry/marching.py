"""Marching tetrahedra: the zero level of a signed distance field on a tetrahedral grid, as a triangle mesh."""

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from pipeline.geometry.tetgrid import TET_EDGES, TetGrid
from pipeline.hardware.transfers import constant

SMALLEST_DISTANCE = 1e-4
"""Minimum absolute signed distance, in object units. It bounds the gradients and prevents degenerate faces."""

BORDER_DISTANCE = 0.01
"""Depth below 0, in object units, to which `close_border` pushes the field on the grid's outer layer."""


class Surface(NamedTuple):
    """Closed triangle mesh whose vertices lie on edges of a tetrahedral grid.

    A quantity g on the vertices of the grid takes the value (1 - w) g[a] + w g[b] on the surface.
    """

    vertices: Float[Tensor, "N 3"]
    """Positions in the frame of the grid, in the order of the grid's edges."""
    faces: Int[Tensor, "F 3"]
    """Vertex indices of the faces, counter-clockwise seen from outside (sdf < 0)."""
    edges: Int[Tensor, "N 2"]
    """Grid vertices (a, b) at the ends of the edge on which each surface vertex lies."""
    weights: Float[Tensor, " N"]
    """Weight w in (0, 1) of each vertex (1 - w) a + w b. It carries gradient to the sdf."""


def crossed_vertices(grid: TetGrid, sdf: Float[Tensor, " V"]) -> Bool[Tensor, " V"]:
    """Mask of the grid vertices that end an edge on which the sdf changes sign. Only these receive gradient."""
    edges = grid.edges[_crossed_edges(grid, sdf > 0)]
    mask = torch.zeros(len(sdf), dtype=torch.bool, device=sdf.device)
    return mask.index_fill_(0, edges.reshape(-1), True)


def close_border(grid: TetGrid, sdf: Float[Tensor, " V"]) -> Float[Tensor, " V"]:
    """Make the sdf negative on the grid's outer layer, so that its zero level set is closed."""
    return torch.where(grid.border, sdf.clamp(max=-BORDER_DISTANCE), sdf)


def sparse_sdf(
    grid: TetGrid, grid_vertices: Float[Tensor, "V 3"], field: Callable[[Tensor], Tensor]
) -> Float[Tensor, " V"]:
    """Evaluate the closed sdf on the grid, with gradient only at the vertices that marching tetrahedra uses.

    `field` maps points [N, 3] to signed distances [N]. It is evaluated inside the border without gradient, and again
    with gradient at the crossed vertices. Surface and gradients equal those of one full evaluation, for a fraction of
    the memory. On the border only the crossed vertices have a value of the field.
    """
    with torch.no_grad():
        values = field(grid_vertices.index_select(0, grid.inner))
        sdf = values.new_full((len(grid_vertices),), -BORDER_DISTANCE).index_copy_(0, grid.inner, values)
    crossed = crossed_vertices(grid, sdf).nonzero().squeeze(1)
    return close_border(grid, sdf.index_copy(0, crossed, field(grid_vertices.index_select(0, crossed))))


def marching_tetrahedra(grid: TetGrid, grid_vertices: Float[Tensor, "V 3"], sdf: Float[Tensor, " V"]) -> Surface:
    """Extract the surface sdf = 0. The sdf is positive inside, and a vertex with sdf = 0 counts as outside.

    On an edge (a, b) where the sdf changes sign the vertex is (1 - w) a + w b with w = s_a / (s_a - s_b) (MagicPony,
    DMTet). The vertices are differentiable in `grid_vertices` and in `sdf`; the faces depend on signs alone. The
    surface is closed if the sdf is negative on `grid.border`, and empty if the sdf has one sign everywhere.

    A mirror-symmetric sdf gives bitwise mirror-symmetric vertices. The faces are mirror-symmetric too, except that
    planar quadrilaterals across x = 0 are split along one diagonal.

    Args:
        grid_vertices: vertices of the grid, or displaced ones that invert no tetrahedron.
    """
    inside = sdf > 0
    crossed = _crossed_edges(grid, inside)
    edges = grid.edges[crossed]
    ends = _away_from_zero(sdf)[edges]
    weights = ends[:, 0] / (ends[:, 0] - ends[:, 1])
    a, b = grid_vertices[edges].unbind(1)
    vertices = a + weights[:, None] * (b - a)
    return Surface(vertices, _faces(grid, inside, crossed), edges, weights)


def _faces(grid: TetGrid, inside: Bool[Tensor, " V"], crossed: Bool[Tensor, " E"]) -> Int[Tensor, "F 3"]:
    corners = _gather(inside, grid.tets)
    active = _mixed(corners).nonzero().squeeze(1)
    triangles, present, bits = constant(_TRIANGLES, active), constant(_PRESENT, inside), constant((1, 2, 4, 8), active)
    case = (corners.index_select(0, active) * bits).sum(1) + 16 * grid.flipped.index_select(0, active)
    local = triangles[case]
    grid_edges = grid.tet_edges.index_select(0, active).gather(1, local.reshape(-1, 6)).reshape(-1, 2, 3)[present[case]]
    row = crossed.cumsum(0) - 1
    return row[grid_edges]


def _crossed_edges(grid: TetGrid, inside: Bool[Tensor, " V"]) -> Bool[Tensor, " E"]:
    return _mixed(_gather(inside, grid.edges))


def _gather(values: Bool[Tensor, " V"], index: Int[Tensor, "R C"]) -> Bool[Tensor, "R C"]:
    # This is four times as fast as values[index].
    return values.index_select(0, index.reshape(-1)).view(index.shape)


def _mixed(rows: Bool[Tensor, "R C"]) -> Bool[Tensor, " R"]:
    """Mask of the rows, of two or four booleans, that are neither all true nor all false.

    Each row is read as one integer, which takes a third of the time.
    """
    number, all_true = {2: (torch.int16, 0x0101), 4: (torch.int32, 0x01010101)}[rows.shape[1]]
    words = rows.view(number)[:, 0]
    return (words != 0) & (words != all_true)


def _away_from_zero(sdf: Float[Tensor, " V"]) -> Float[Tensor, " V"]:
    moved = torch.where(sdf > 0, sdf.clamp(min=SMALLEST_DISTANCE), sdf.clamp(max=-SMALLEST_DISTANCE))
    # The gradient passes straight through; without it a vertex at exactly 0 would never move again.
    return sdf + (moved - sdf).detach()


def _case_table() -> tuple[tuple, tuple]:
    """Tables of marching tetrahedra: triangles [32, 2, 3] as local edges, and which of them exist [32, 2].

    The first index is the case: bit k says whether corner k is inside, and bit 4 is `flipped`. A triangle separates
    one corner from three. A quadrilateral separates two corners from two; its consecutive corners lie on edges that
    share an inside or an outside corner of the tetrahedron.
    """
    corners = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    middles = corners[torch.tensor(TET_EDGES)].mean(1)
    triangles, present = torch.zeros(32, 2, 3, dtype=torch.int64), torch.zeros(32, 2, dtype=torch.bool)
    for code in range(1, 15):
        inside = [k for k in range(4) if code >> k & 1]
        outside = [k for k in range(4) if not code >> k & 1]
        cuts = [TET_EDGES.index((min(pair), max(pair))) for pair in product(inside, outside)]
        loop = cuts if len(cuts) == 3 else [cuts[0], cuts[1], cuts[3], cuts[2]]
        outwards = corners[outside].mean(0) - corners[inside].mean(0)
        normal = torch.linalg.cross(middles[loop[1]] - middles[loop[0]], middles[loop[2]] - middles[loop[0]])
        if normal @ outwards < 0:
            loop = loop[::-1]
        for k in range(len(loop) - 2):
            triangle = torch.tensor([loop[0], loop[k + 1], loop[k + 2]])
            triangles[code, k], triangles[code + 16, k] = triangle, triangle.flip(0)
            present[[code, code + 16], k] = True
    return tuple(tuple(map(tuple, pair)) for pair in triangles.tolist()), tuple(map(tuple, present.tolist()))


_TRIANGLES, _PRESENT = _case_table()
