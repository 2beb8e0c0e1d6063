"""Body-centred cubic tetrahedral grid of a cube, mirror-symmetric about x = 0."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

TET_EDGES = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
"""Pairs of corners joined by the six edges of a tetrahedron, in the order of `TetGrid.tet_edges`."""


class TetGrid(NamedTuple):
    """Tetrahedral complex that fills an axis-aligned cube centred on the origin of the object frame.

    Vertices are ordered by (|x|, y, z, x), so that mirror images have neighbouring indices. The corners of a
    tetrahedron are ordered by index. Results that depend on this order are therefore mirror-symmetric about x = 0,
    except in tetrahedra that are their own mirror image.
    """

    vertices: Float[Tensor, "V 3"]
    """Positions in the object frame, in object units. Mirror images agree bitwise."""
    tets: Int[Tensor, "T 4"]
    """Vertex indices of the corners of each tetrahedron, ascending."""
    edges: Int[Tensor, "E 2"]
    """End points (a < b) of the edges, sorted, without duplicates."""
    tet_edges: Int[Tensor, "T 6"]
    """Rows of `edges` of each tetrahedron, in the order of `TET_EDGES`."""
    flipped: Bool[Tensor, " T"]
    """True for tetrahedra of negative orientation: det(p1 - p0, p2 - p0, p3 - p0) < 0."""
    mirror: Int[Tensor, " V"]
    """Index of the mirror image (-x, y, z) of each vertex."""
    border: Bool[Tensor, " V"]
    """True for vertices on the surface of the cube. A zero level set of a field negative there has no open boundary."""
    inner: Int[Tensor, " I"]
    """Indices of the vertices inside the cube, ascending."""


def build_tetgrid(resolution: int, scale: float) -> TetGrid:
    """Fill a cube of side `scale` (object units) with `resolution` body-centred cells along each side.

    Each face of a cell carries four tetrahedra. Each of them joins one of the four edges of the face with the centres
    of the two cells that the face separates. On the surface of the cube the missing centre is replaced by the centre
    of the face, which halves the tetrahedra there. A grid of resolution r has 12 r^2 (r + 1) tetrahedra and
    (r + 1)^3 + r^3 + 6 r^2 vertices.

    Raises:
        ValueError: the grid would be empty.
    """
    if resolution < 1 or not scale > 0:
        raise ValueError(f"a grid needs resolution >= 1 and scale > 0, got {resolution} and {scale}")
    corners = np.concatenate([_tets_across_faces(resolution, axis) for axis in range(3)])
    keys, first, index = np.unique(_key(corners, resolution), return_index=True, return_inverse=True)
    points = corners.reshape(-1, 3)[first]
    tets = np.sort(index.reshape(-1, 4), axis=1)

    ends = tets[:, TET_EDGES]
    edge_keys, tet_edges = np.unique(ends[..., 0] * len(keys) + ends[..., 1], return_inverse=True)
    sides = points[tets[:, 1:]] - points[tets[:, :1]]
    determinant = (np.cross(sides[:, 0], sides[:, 1]) * sides[:, 2]).sum(1)
    mirrored = np.searchsorted(keys, _key(points * [-1, 1, 1], resolution))
    border = np.abs(points).max(axis=1) == resolution
    return TetGrid(
        vertices=torch.from_numpy((points * (scale / (2 * resolution))).astype(np.float32)),
        tets=torch.from_numpy(tets),
        edges=torch.from_numpy(np.stack(np.divmod(edge_keys, len(keys)), axis=1)),
        tet_edges=torch.from_numpy(tet_edges.reshape(-1, 6)),
        flipped=torch.from_numpy(determinant < 0),
        mirror=torch.from_numpy(mirrored),
        border=torch.from_numpy(border),
        inner=torch.from_numpy(np.flatnonzero(~border)),
    )


def _tets_across_faces(resolution: int, axis: int) -> Int[np.ndarray, "T 4 3"]:
    """Corners of the tetrahedra on the cell faces normal to `axis`, in half cells from the centre of the grid."""
    along = np.arange(-resolution, resolution + 1, 2)
    across = np.arange(1 - resolution, resolution, 2)
    normal, u, v = np.roll(np.eye(3, dtype=np.int64), -axis, axis=0)
    faces = np.stack(np.meshgrid(along, across, across, indexing="ij"), axis=-1).reshape(-1, 3) @ [normal, u, v]
    # On the surface of the cube the centre of the outer cell is clipped to the centre of the face itself.
    below, above = np.clip(faces - normal, -resolution, resolution), np.clip(faces + normal, -resolution, resolution)
    ring = [faces + corner for corner in (-u - v, u - v, u + v, v - u)]
    tets = [np.stack([below, above, ring[k - 1], ring[k]], axis=1) for k in range(4)]
    return np.concatenate(tets)


def _key(points: Int[np.ndarray, "*N 3"], resolution: int) -> Int[np.ndarray, "*N"]:
    """Integer keys that order points by (|x|, y, z, x)."""
    x, y, z = np.moveaxis(points, -1, 0)
    span = 2 * resolution + 1
    return ((np.abs(x) * span + y + resolution) * span + z + resolution) * 2 + (x > 0)
