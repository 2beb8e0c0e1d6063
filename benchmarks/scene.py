"""Batch of synthetic objects in front of a camera, as the common input of all compared rasterizers."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int32
from torch import Tensor

COVERAGE = 0.3
"""Share of the pixels that the objects cover, similar to the crops of the pipeline."""


class Scene(NamedTuple):
    """Bumpy spheres in different orientations that share their faces."""

    pos: Float[Tensor, "B V 4"]
    """Clip coordinates of the vertices, with w between 2 and 4."""
    tri: Int32[Tensor, "F 3"]
    """Vertex indices of the faces, counter-clockwise seen from outside."""
    attributes: Float[Tensor, "B V C"]


def make_scene(faces: int, batch: int, channels: int, device: str = "cpu", seed: int = 0) -> Scene:
    """Make objects of about `faces` faces. A sphere of 2n meridians and n bands has 4 n (n - 1) faces."""
    generator = torch.Generator().manual_seed(seed)
    bands = round((1 + math.sqrt(1 + faces)) / 2)
    points, tri = _sphere(bands, 2 * bands)
    bumps = 1 + 0.08 * torch.sin(4 * points[:, :1]) * torch.sin(5 * points[:, 1:2])
    turns = torch.linalg.qr(torch.randn(batch, 3, 3, generator=generator)).Q
    turns = turns * torch.linalg.det(turns)[:, None, None]
    x, y, z = ((bumps * points) @ turns).unbind(-1)
    radius = math.sqrt(4 * COVERAGE / math.pi)
    w = 3 - z / bumps.max()
    pos = torch.stack([radius * x * w, radius * y * w, -0.5 * z * w, w], -1)
    attributes = torch.rand(batch, len(points), channels, generator=generator)
    return Scene(pos.to(device), tri.to(device), attributes.to(device))


def _sphere(bands: int, meridians: int) -> tuple[Float[Tensor, "V 3"], Int32[Tensor, "F 3"]]:
    """Make a unit sphere of two poles and `bands` - 1 rings of `meridians` vertices."""
    polar = torch.arange(1, bands) * math.pi / bands
    around = torch.arange(meridians) * 2 * math.pi / meridians
    polar, around = torch.meshgrid(polar, around, indexing="ij")
    rings = torch.stack([polar.sin() * around.cos(), polar.sin() * around.sin(), polar.cos()], -1).reshape(-1, 3)
    points = torch.cat([rings, torch.tensor([[0.0, 0, 1], [0, 0, -1]])])
    own = torch.arange(meridians)
    right = (own + 1) % meridians
    faces = []
    for ring in range(bands - 2):
        above, below = ring * meridians, (ring + 1) * meridians
        a, b, c, d = above + own, above + right, below + own, below + right
        faces += [torch.stack([a, c, d], 1), torch.stack([a, d, b], 1)]
    last = (bands - 2) * meridians
    north, south = torch.full_like(own, len(rings)), torch.full_like(own, len(rings) + 1)
    faces += [torch.stack([north, own, right], 1), torch.stack([south, last + right, last + own], 1)]
    return points, torch.cat(faces).to(torch.int32)
