"""Small meshes in clip coordinates, for everything that rasterizes."""

import itertools
import math

import torch

from pipeline.photographs.cameras import clip_matrix, transform

FULL_SCREEN = [[-1.0, -1.0], [3.0, -1.0], [-1.0, 3.0]]
"""Corners of a face that covers the image."""


def generator(seed):
    return torch.Generator().manual_seed(seed)


def clip(points, depth=0.0, w=1.0, dtype=torch.float64):
    """Clip positions [1,V,4] of points in normalised device coordinates."""
    points = torch.as_tensor(points, dtype=dtype)
    depth = torch.as_tensor(depth, dtype=dtype).expand(len(points))[:, None]
    w = torch.as_tensor(w, dtype=dtype).expand(len(points))[:, None]
    return torch.cat([points * w, depth * w, w], -1)[None]


def to_clip(camera_points, distance, fov_degrees):
    """Clip coordinates of camera-frame points [B,V,3] before the model's camera."""
    return transform(camera_points, camera_points.new_tensor(clip_matrix(distance, fov_degrees)))


def faces(*rows, dtype=torch.int32):
    return torch.tensor(rows, dtype=dtype).reshape(-1, 3)


def triangle_soup(seed, count=40, dtype=torch.float64):
    """Triangles that interpenetrate, at different depths and in perspective."""
    rng = generator(seed)
    centres = torch.rand(count, 1, 3, generator=rng) * 2 - 1
    corners = (centres + torch.randn(count, 3, 3, generator=rng) * 0.35).reshape(-1, 3)
    w = 2 + torch.rand(len(corners), generator=rng)
    pos = clip(corners[:, :2] * 0.8, corners[:, 2].clamp(-1.5, 1.5) * 0.5, w, dtype)
    return pos, torch.arange(3 * count, dtype=torch.int32).reshape(-1, 3)


def ball(rings=5, sectors=8, batch=1, dtype=torch.float64):
    """A closed bumpy surface, one instance turned and scaled unlike the other, in perspective."""
    polar = torch.linspace(0, math.pi, rings + 1, dtype=dtype)[1:-1, None]
    angle = torch.arange(sectors, dtype=dtype) * 2 * math.pi / sectors
    ring = torch.stack(
        [polar.sin() * angle.cos(), polar.cos().expand(-1, sectors), polar.sin() * angle.sin()], -1
    ).reshape(-1, 3)
    points = torch.cat([ring, ring.new_tensor([[0, 1, 0], [0, -1, 0]])])
    top, bottom = len(ring), len(ring) + 1
    tri = []
    for i, j in itertools.product(range(rings - 2), range(sectors)):
        a, b = i * sectors + j, i * sectors + (j + 1) % sectors
        tri += [[a, b, a + sectors], [b, b + sectors, a + sectors]]
    last = (rings - 2) * sectors
    for j in range(sectors):
        tri += [[top, (j + 1) % sectors, j], [bottom, last + j, last + (j + 1) % sectors]]
    rng = generator(3)
    points = points * (0.7 + 0.5 * torch.rand(len(points), 1, generator=rng, dtype=dtype))
    turns = torch.linalg.qr(torch.randn(batch, 3, 3, generator=rng, dtype=dtype))[0]
    points = points @ turns * torch.linspace(1, 0.8, batch, dtype=dtype)[:, None, None]
    return to_clip(points, distance=5.0, fov_degrees=30.0), torch.tensor(tri, dtype=torch.int32)


def floor(cells=6, batch=1, dtype=torch.float64):
    """A rough floor of 2 cells x cells faces that begins before the near plane and ends behind the far plane.

    All of it lies in front of the camera (w > 0); depth is z = (3 w - 4) / 2, between the planes for 0.8 <= w <= 4.
    """
    rng = generator(11)
    x, w = torch.linspace(-3, 3, cells + 1, dtype=dtype), torch.linspace(0.3, 5, cells + 1, dtype=dtype)
    w, x = (grid.reshape(-1) for grid in torch.meshgrid(w, x, indexing="ij"))
    y = (
        0.2 * torch.rand(batch, len(x), generator=rng, dtype=dtype)
        - torch.linspace(0.8, 0.5, batch, dtype=dtype)[:, None]
    )
    x, w = (values.expand(batch, -1) for values in (x, w))
    tri = []
    for row, column in itertools.product(range(cells), repeat=2):
        a = row * (cells + 1) + column
        tri += [[a, a + 1, a + cells + 2], [a, a + cells + 2, a + cells + 1]]
    return torch.stack([x, y, (3 * w - 4) / 2, w], -1), torch.tensor(tri, dtype=torch.int32)
