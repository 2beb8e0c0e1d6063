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
"""Squared lengths up to this are those of degenerate faces: their normals are left at 0."""


class Component(NamedTuple):
    """A part of a mesh with its own numbering of vertices."""

    vertices: Int[Tensor, " K"]
    """Rows of the whole mesh's vertices, ascending."""
    faces: Int[Tensor, "G 3"]
    """Faces in the order of the whole mesh, as positions in `vertices`."""


def vertex_normals(vertices: Float[Tensor, "*B N 3"], faces: Int[Tensor, "F 3"]) -> Float[Tensor, "*B N 3"]:
    """Unit normals, the means of the adjacent faces' normals weighted by area; 0 where all of these are degenerate."""
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


def signed_volume(vertices: Float[Tensor, "*B N 3"], faces: Int[Tensor, "F 3"]) -> Float[Tensor, "*B"]:
    """Enclosed volume, positive if the faces are counter-clockwise from outside: sum of p . (q x r) / 6."""
    p, q, r = vertices[..., faces, :].unbind(-2)
    return (p * torch.linalg.cross(q, r)).sum((-1, -2)) / 6


def mesh_edges(faces: Int[Tensor, "F 3"]) -> Int[Tensor, "E 2"]:
    """The edges (a < b) of a mesh, each once, sorted."""
    return _unique_edges(faces)[0]


class Graph(NamedTuple):
    """Which vertices of a mesh are neighbours."""

    edges: Int[Tensor, "E 2"]
    """Each once."""
    degrees: Float[Tensor, "N 1"]
    """Number of each vertex's neighbours."""


def mesh_graph(faces: Int[Tensor, "F 3"], n: int) -> Graph:
    """The neighbours of each vertex of a mesh of `n` vertices."""
    edges = mesh_edges(faces)
    return Graph(edges, edges.reshape(-1).bincount(minlength=n).float()[:, None])


class Subdivision(NamedTuple):
    """A mesh whose faces are each split into four at the middles of their edges."""

    edges: Int[Tensor, "E 2"]
    """The edges whose middles follow the old vertices, in this order."""
    faces: Int[Tensor, "4F 3"]

    def refine(self, values: Float[Tensor, "*B N C"]) -> Float[Tensor, "*B M C"]:
        """Values on the old vertices, followed by their means on the new ones."""
        a, b = self.edges.unbind(1)
        return torch.cat([values, (values.index_select(-2, a) + values.index_select(-2, b)) / 2], -2)


def subdivide(faces: Int[Tensor, "F 3"], n: int) -> Subdivision:
    """Split each face of a mesh of `n` vertices into four; the surface stays the same."""
    edges, index = _unique_edges(faces)
    ab, bc, ca = (n + index.reshape(-1, 3)).unbind(1)
    a, b, c = faces.unbind(1)
    corners = [torch.stack(face, 1) for face in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))]
    return Subdivision(edges, torch.cat(corners).to(faces.dtype))


def laplacian_energy(values: Float[Tensor, "B N C"], graph: Graph) -> Float[Tensor, ""]:
    """Roughness of values on vertices: mean over all elements of (value - mean of the neighbours' values)^2.

    A vertex without neighbours counts as smooth.
    """
    a, b = graph.edges.unbind(1)
    rows = _vertex_rows(values)
    total = torch.zeros_like(rows).index_add(0, a, rows.index_select(0, b))
    total = total.index_add(0, b, rows.index_select(0, a))
    return torch.where(graph.degrees > 0, rows - total / graph.degrees.clamp(min=1), 0.0).square().mean()


def mirror_pairs(vertices: Float[Tensor, "N 3"], tolerance: float) -> Int[Tensor, " N"]:
    """Index of each vertex's mirror image about x = 0, found within `tolerance` (units of the vertices).

    Always an involution: a vertex on the plane, or without a partner that in turn is nearest to it, maps to itself.
    """
    index = np.arange(len(vertices))
    if len(index) == 0:
        return torch.zeros(0, dtype=torch.int64, device=vertices.device)
    points = vertices.detach().cpu().double().numpy()
    distance, nearest = cKDTree(points).query(points * [-1, 1, 1])
    paired = (distance <= tolerance) & (nearest[nearest] == index)
    return torch.from_numpy(np.where(paired, nearest, index)).to(vertices.device)


class Representatives(NamedTuple):
    """The vertices on which a mirror-symmetric function need be evaluated."""

    rows: Int[Tensor, " H"]
    """One vertex of each mirror pair, and every vertex without a partner, ascending."""
    index: Int[Tensor, " N"]
    """For each vertex, the position in `rows` of itself or of its mirror image."""
    share: Float[Tensor, " H"]
    """Share of all vertices that each stands for."""


def representatives(vertices: Float[Tensor, "N 3"], mirror: Int[Tensor, " N"]) -> Representatives:
    """Choose one of each pair of `mirror_pairs`; pairs that are not mirror images to the bit keep both.

    Vertices of a frozen template are exact mirror images, so that nothing changes but the time.
    """
    own = torch.arange(len(vertices), device=vertices.device)
    exact = (vertices[mirror] == vertices * constant((-1.0, 1.0, 1.0), vertices)).all(1)
    chosen = torch.where(exact, torch.minimum(mirror, own), own)
    rows, index, count = chosen.unique(return_inverse=True, return_counts=True)
    return Representatives(rows, index, count.to(vertices.dtype) / len(vertices))


def largest_component(faces: Int[Tensor, "F 3"], n: int) -> Component:
    """The connected part with the most faces of a mesh of `n` vertices; the one seen first if several have as many.

    A cavity is a part of its own. Two separate mirror halves are two parts, and one of them is lost.
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


def is_watertight(faces: Int[Tensor, "F 3"]) -> bool:
    """Whether the mesh is closed: each directed edge occurs once, and so does its reverse. No faces: False."""
    sides = _sides(faces)
    directed = sides.unique(dim=0)
    return len(faces) > 0 and len(directed) == len(sides) and torch.equal(directed, directed.flip(1).unique(dim=0))


def _vertex_rows(values: Float[Tensor, "*B N C"]) -> Float[Tensor, "N D"]:
    """All instances' values on a vertex side by side: gathering and adding such rows takes half the time or less."""
    return values.movedim(-2, 0).flatten(1)


def _unique_edges(faces: Int[Tensor, "F 3"]) -> tuple[Int[Tensor, "E 2"], Int[Tensor, " S"]]:
    """The edges (a < b), each once, sorted; and the row of each side of `_sides`."""
    low, high = _sides(faces).long().sort(1).values.unbind(1)
    # Single numbers sort far faster than rows.
    count = int(faces.max()) + 1 if len(faces) else 1
    keys, index = (low * count + high).unique(return_inverse=True)
    return torch.stack([keys // count, keys % count], 1).to(faces.dtype), index


def _sides(faces: Int[Tensor, "F 3"]) -> Int[Tensor, "S 2"]:
    """The directed edges of all faces, one for each side of each face."""
    return torch.stack([faces, faces.roll(-1, dims=1)], dim=-1).reshape(-1, 2)
