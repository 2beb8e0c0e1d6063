"""Properties of triangle meshes that tests ask for."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def signed_volume(vertices: Float[Tensor, "*B N 3"], faces: Int[Tensor, "F 3"]) -> Float[Tensor, "*B"]:
    """Enclosed volume, positive if the faces are counter-clockwise from outside: sum of p . (q x r) / 6."""
    p, q, r = vertices[..., faces, :].unbind(-2)
    return (p * torch.linalg.cross(q, r)).sum((-1, -2)) / 6


def is_watertight(faces: Int[Tensor, "F 3"]) -> bool:
    """Whether the mesh is closed: each directed edge occurs once, and so does its reverse. No faces: False."""
    sides = torch.stack([faces, faces.roll(-1, dims=1)], dim=-1).reshape(-1, 2)
    directed = sides.unique(dim=0)
    return len(faces) > 0 and len(directed) == len(sides) and torch.equal(directed, directed.flip(1).unique(dim=0))
