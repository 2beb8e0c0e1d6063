"""Operations on triangle meshes given as vertices [..., N, 3] and faces [F, 3]."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from torch import Tensor

from pipeline.hardware.transfers import constant

SMALLEST_NORMAL = 1e-20
"""Largest squared length of a summed normal that counts as degenerate. Such a normal is left at 0."""


class Component(NamedTuple):
    """Part of a mesh with its own vertex numbering."""

    vertices: Int[Tensor, " K"]
    """Indices of the part's vertices in the whole mesh, ascending."""
    faces: Int[Tensor, "G 3"]
    """Faces of the part as positions in `vertices`, in the order of the whole mesh."""


def vertex_normals(vertices: Float[Tensor, "*B N 3"], faces: Int[Tensor, "F 3"]) -> Float[Tensor, "*B N 3"]:
    """Unit vertex normals, the area-weighted means of the adjacent face normals. 0 where all these are degenerate."""
    corners = faces.unbind(1)
    rows = _vertex_rows(vertices)
    p, q, r = (rows.index_select(0, corner).unflatten(1, (-1, 3)) for corner in corners)
    # The cross product is twice the area times the unit normal, hence the weighting.
    face_normals = torch.linalg.cross(q - p, r - p).flatten(1)
    total = torch.zeros_like(rows)
    for corner in corners:
        total = total.index_add(0, corner, face_normals)
    total = total.unflatten(1, (*vertices.shape[:-2], 3)).movedim(0, -2)
    square = total.square().sum(-1, keepdim=True)
    usable = square > SMALLEST_NORMAL
    return torch.where(usable, total, 0.0) * torch.where(usable, square, 1.0).rsqrt()


def mesh_edges(faces: Int[Tensor, "F 3"]) -> Int[Tensor, "E 2"]:
    """Sorted edges (a < b) of a mesh, without duplicates."""
    return _unique_edges(faces)[0]


class Graph(NamedTuple):
    """Adjacency graph of the vertices of a mesh."""

    edges: Int[Tensor, "E 2"]
    """Edges (a < b), without duplicates."""
    degrees: Float[Tensor, "N 1"]
    """Number of neighbours of each vertex."""


def mesh_graph(faces: Int[Tensor, "F 3"], n: int) -> Graph:
    """Adjacency graph of a mesh of `n` vertices."""
    edges = mesh_edges(faces)
    return Graph(edges, edges.reshape(-1).bincount(minlength=n).float()[:, None])


class Subdivision(NamedTuple):
    """Subdivision of a mesh: each face is split into four at the midpoints of its edges."""

    edges: Int[Tensor, "E 2"]
    """Edges of the original mesh. Their midpoints follow its vertices, in this order."""
    faces: Int[Tensor, "4F 3"]
    """Faces of the subdivided mesh."""

    def refine(self, values: Float[Tensor, "*B N C"]) -> Float[Tensor, "*B M C"]:
        """Extend values on the original vertices by their means at the midpoints of the edges."""
        a, b = self.edges.unbind(1)
        return torch.cat([values, (values.index_select(-2, a) + values.index_select(-2, b)) / 2], -2)


def subdivide(faces: Int[Tensor, "F 3"], n: int) -> Subdivision:
    """Split each face of a mesh of `n` vertices into four. The surface stays the same."""
    edges, index = _unique_edges(faces)
    ab, bc, ca = (n + index.reshape(-1, 3)).unbind(1)
    a, b, c = faces.unbind(1)
    corners = [torch.stack(face, 1) for face in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))]
    return Subdivision(edges, torch.cat(corners).to(faces.dtype))


def laplacian_energy(values: Float[Tensor, "B N C"], graph: Graph) -> Float[Tensor, ""]:
    """Laplacian energy of values on vertices: mean over all elements of (value - mean of the neighbours' values)^2.

    A vertex without neighbours counts as smooth.
    """
    a, b = graph.edges.unbind(1)
    rows = _vertex_rows(values)
    total = torch.zeros_like(rows).index_add(0, a, rows.index_select(0, b))
    total = total.index_add(0, b, rows.index_select(0, a))
    return torch.where(graph.degrees > 0, rows - total / graph.degrees.clamp(min=1), 0.0).square().mean()


def mirror_pairs(vertices: Float[Tensor, "N 3"], tolerance: float) -> Int[Tensor, " N"]:
    """Find the index of each vertex's mirror image about x = 0, within `tolerance` in units of the vertices.

    The result is an involution. A vertex on the plane maps to itself, and so does a vertex without a partner to which
    it is mutually nearest.
    """
    index = np.arange(len(vertices))
    if len(index) == 0:
        return torch.zeros(0, dtype=torch.int64, device=vertices.device)
    points = vertices.detach().cpu().double().numpy()
    distance, nearest = cKDTree(points).query(points * [-1, 1, 1])
    paired = (distance <= tolerance) & (nearest[nearest] == index)
    return torch.from_numpy(np.where(paired, nearest, index)).to(vertices.device)


class Representatives(NamedTuple):
    """Subset of the vertices that suffices to evaluate a mirror-symmetric function."""

    rows: Int[Tensor, " H"]
    """Indices of one vertex of each mirror pair and of every vertex without a partner, ascending."""
    index: Int[Tensor, " N"]
    """For each vertex, the position in `rows` of itself or of its mirror image."""
    share: Float[Tensor, " H"]
    """Share of all vertices that each representative stands for."""


def representatives(vertices: Float[Tensor, "N 3"], mirror: Int[Tensor, " N"]) -> Representatives:
    """Choose one vertex of each pair of `mirror_pairs`. Pairs that are not bitwise mirror images keep both vertices.

    Vertices of a frozen template are exact mirror images, so that only the time changes, not the result.
    """
    own = torch.arange(len(vertices), device=vertices.device)
    exact = (vertices[mirror] == vertices * constant((-1.0, 1.0, 1.0), vertices)).all(1)
    chosen = torch.where(exact, torch.minimum(mirror, own), own)
    rows, index, count = chosen.unique(return_inverse=True, return_counts=True)
    return Representatives(rows, index, count.to(vertices.dtype) / len(vertices))


def largest_component(faces: Int[Tensor, "F 3"], n: int) -> Component:
    """Find the connected component with the most faces of a mesh of `n` vertices. Ties go to the first component.

    The surface of a cavity is a component of its own. Two separate mirror halves are two components, one of which is
    lost.
    """
    if len(faces) == 0:
        return Component(faces.new_zeros(0), faces)
    first, second = _sides(faces).cpu().numpy().T
    links = coo_array((np.ones(len(first), dtype=bool), (first, second)), shape=(n, n))
    part = torch.from_numpy(connected_components(links, directed=False)[1].astype(np.int64)).to(faces.device)
    face_part = part[faces[:, 0]]
    largest = face_part.bincount().argmax()
    kept = (part == largest).nonzero().squeeze(1)
    position = torch.full((n,), -1, dtype=torch.int64, device=faces.device)
    position[kept] = torch.arange(len(kept), device=faces.device)
    return Component(kept, position[faces[face_part == largest].long()])


def _vertex_rows(values: Float[Tensor, "*B N C"]) -> Float[Tensor, "N D"]:
    """Put the values of all instances on a vertex into one row, which at least halves the time to gather and add."""
    return values.movedim(-2, 0).flatten(1)


def _unique_edges(faces: Int[Tensor, "F 3"]) -> tuple[Int[Tensor, "E 2"], Int[Tensor, " S"]]:
    """Sorted edges (a < b) without duplicates, and the row of the edge of each side of `_sides`."""
    low, high = _sides(faces).long().sort(1).values.unbind(1)
    # Scalar keys sort far faster than rows.
    count = int(faces.max()) + 1 if len(faces) else 1
    keys, index = (low * count + high).unique(return_inverse=True)
    return torch.stack([keys // count, keys % count], 1).to(faces.dtype), index


def _sides(faces: Int[Tensor, "F 3"]) -> Int[Tensor, "S 2"]:
    """Directed edges of all faces, one for each side of each face."""
    return torch.stack([faces, faces.roll(-1, dims=1)], dim=-1).reshape(-1, 2)
