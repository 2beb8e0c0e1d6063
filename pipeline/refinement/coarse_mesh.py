"""A mesh of few vertices in place of a mesh of many, for pictures of few pixels."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor


class CoarseMesh(NamedTuple):
    """Some vertices of a mesh, and faces between them; they stand for the mesh however its vertices move."""

    rows: Int64[Tensor, "C"]
    """Indices of the kept vertices in the mesh."""
    faces: Int64[Tensor, "G 3"]
    """Faces between kept vertices, by their position in `rows`."""


def coarsen(vertices: Float[Tensor, "N 3"], faces: Int64[Tensor, "F 3"], count: int) -> CoarseMesh:
    """Keep `count` vertices that lie far apart, and let the nearest of them stand for each vertex.

    Each kept vertex is the one farthest from all that were kept before it (farthest point sampling), the first one the
    vertex farthest from the mean. Faces whose corners fall together are left out, as are copies of a face. A mesh of
    `count` vertices or fewer stays as it is.
    """
    if len(vertices) <= count:
        return CoarseMesh(torch.arange(len(vertices), device=vertices.device), faces)
    farthest = _squares(vertices, vertices.mean(0)).argmax()
    owner = torch.zeros(len(vertices), dtype=torch.int64, device=vertices.device)
    nearest = torch.full_like(vertices[:, 0], torch.inf)
    rows = []
    for number in range(count):
        rows.append(farthest)
        squares = _squares(vertices, vertices[farthest])
        owner = torch.where(squares < nearest, number, owner)
        nearest = torch.minimum(nearest, squares)
        farthest = nearest.argmax()
    corners = owner[faces]
    whole = (corners != corners.roll(1, 1)).all(1)
    return CoarseMesh(torch.stack(rows), _distinct(corners[whole]))


def _squares(points: Float[Tensor, "N 3"], centre: Float[Tensor, "3"]) -> Float[Tensor, "N"]:
    return (points - centre).square().sum(-1)


def _distinct(faces: Int64[Tensor, "F 3"]) -> Int64[Tensor, "G 3"]:
    """The faces without those that join the same corners as one before them."""
    _, number = faces.sort(dim=1).values.unique(dim=0, return_inverse=True)
    first = torch.full((len(faces),), len(faces), device=faces.device)
    first = first.scatter_reduce(0, number, torch.arange(len(faces), device=faces.device), "amin")
    return faces[first[first < len(faces)].sort().values]
