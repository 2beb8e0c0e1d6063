"""A slow and obvious rasterizer in PyTorch, whose gradients are autograd's."""

import math
from collections import defaultdict

import torch
from torch import Tensor


def pixel_centres(height: int, width: int, shift: tuple[float, float] = (0, 0), dtype=torch.float64) -> Tensor:
    """Normalised device coordinates [H,W,2] of the pixel centres, moved by `shift` = (x, y) pixels."""
    x = (2 * (torch.arange(width, dtype=dtype) + shift[0]) + 1) / width - 1
    y = (2 * (torch.arange(height, dtype=dtype) + shift[1]) + 1) / height - 1
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), -1)


def ray_cast(
    pos: Tensor, tri: Tensor, resolution: tuple[int, int], shift: tuple[float, float] = (0, 0), slack: float = 0.0
) -> Tensor:
    """(u, v, z/w, id + 1) of one mesh by brute force, [H,W,4]: Moeller and Trumbore's test of every ray and face.

    The rays start at the camera (x, y, w) = 0 with direction (x, y, 1), so that the ray parameter is w. Weights down
    to -`slack` count as on the face.
    """
    directions = pixel_centres(*resolution, shift, pos.dtype)
    directions = torch.cat([directions, torch.ones_like(directions[..., :1])], -1).reshape(-1, 1, 3)
    points = pos[:, [0, 1, 3]][tri.long()]
    origin, edge1, edge2 = points[:, 0], points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]
    p = torch.linalg.cross(directions, edge2[None])
    determinant = (edge1 * p).sum(-1)
    weight1 = (-origin * p).sum(-1) / determinant
    q = torch.linalg.cross(-origin, edge1)
    weight2 = (directions * q).sum(-1) / determinant
    w = (edge2 * q).sum(-1) / determinant
    weights = torch.stack([1 - weight1 - weight2, weight1, weight2], -1)
    depth = (weights * pos[:, 2][tri.long()]).sum(-1) / w
    hit = (weights >= -slack).all(-1) & (w > 0) & (depth.abs() <= 1)
    nearest, face = torch.where(hit, depth, math.inf).min(1)
    rows = torch.arange(len(face))
    columns = [weights[rows, face, 0], weights[rows, face, 1], nearest, face + 1.0]
    return torch.where(hit.any(1)[:, None], torch.stack(columns, -1), 0).reshape(*resolution, 4)


def barycentrics(pos: Tensor, tri: Tensor, ids: Tensor) -> Tensor:
    """Perspective-correct (u, v) [B,H,W,2] of the pixels whose faces are `ids` (id + 1), zero elsewhere.

    The weights solve sum_i weight_i (x_i, y_i, w_i) = w (x, y, 1).
    """
    batch, height, width = ids.shape
    faces = tri.long()[(ids.long() - 1).clamp(min=0)]
    corners = pos[torch.arange(batch)[:, None, None, None], faces][..., [0, 1, 3]]
    pixels = torch.cat([pixel_centres(height, width, dtype=pos.dtype), pos.new_ones(height, width, 1)], -1)
    weights = torch.linalg.solve(corners.transpose(-1, -2), pixels.expand(batch, -1, -1, -1))
    uv = (weights / weights.sum(-1, keepdim=True))[..., :2]
    return torch.where(ids[..., None] > 0, uv, 0)


def rasterize(pos: Tensor, tri: Tensor, resolution: tuple[int, int]) -> Tensor:
    """(u, v, z/w, id + 1) [B,H,W,4] of meshes in front of the camera (w > 0); only u and v carry a gradient.

    The face is that of vertices rounded to 1/16 pixel; the weights, in float64, are those of the vertices themselves,
    and where they lie outside of the face by the rounding they are moved onto its border.
    """
    wide, size = pos.double(), torch.tensor(resolution[::-1], dtype=torch.float64)
    w = wide[..., 3:].detach()
    window = ((wide[..., :2].detach() / w + 1) * size / 2 * 16).round() / 16
    rounded = torch.cat([(window * 2 / size - 1) * w, wide[..., 2:].detach()], -1)
    # The rounding puts pixel centres on edges, and rays must not slip through these.
    ids = torch.stack([ray_cast(instance, tri, resolution, slack=1e-9)[..., 3] for instance in rounded])
    uv = barycentrics(wide, tri, ids)
    moved = uv.detach().clamp(0, 1)
    moved = moved / moved.sum(-1, keepdim=True).clamp(min=1)
    z, w = interpolate(
        wide[..., 2:].detach(), torch.cat([moved, ids[..., None].expand(-1, -1, -1, 2)], -1), tri
    ).unbind(-1)
    depth = torch.where(ids > 0, z / w, 0)
    return torch.cat([uv + (moved - uv).detach(), depth[..., None], ids[..., None]], -1).to(pos.dtype)


def interpolate(attr: Tensor, rast: Tensor, tri: Tensor) -> Tensor:
    faces = tri.long()[(rast[..., 3].long() - 1).clamp(min=0)]
    corners = attr.expand(len(rast), -1, -1)[torch.arange(len(rast))[:, None, None, None], faces]
    u, v = rast[..., 0, None], rast[..., 1, None]
    values = u * corners[..., 0, :] + v * corners[..., 1, :] + (1 - u - v) * corners[..., 2, :]
    return torch.where(rast[..., 3:] > 0, values, 0)


def antialias(color: Tensor, rast: Tensor, pos: Tensor, tri: Tensor) -> Tensor:
    """Pair by pair, every quantity a scalar tensor."""
    batch, height, width, _ = color.shape
    neighbours = edge_neighbours(tri)
    blends = []
    for b in range(batch):
        x = (pos[b, :, 0] / pos[b, :, 3] + 1) * width / 2
        y = (pos[b, :, 1] / pos[b, :, 3] + 1) * height / 2
        window = torch.stack([x, y], -1)
        for r in range(height):
            for c in range(width):
                for r2, c2 in ((r, c + 1), (r + 1, c)):
                    if r2 < height and c2 < width:
                        blends += _blend(b, (r, c), (r2, c2), rast, window, pos, tri, neighbours)
    out = [[[color[b, r, c] for c in range(width)] for r in range(height)] for b in range(batch)]
    for b, receiver, donor, weight in blends:
        difference = color[b, donor[0], donor[1]] - color[b, receiver[0], receiver[1]]
        out[b][receiver[0]][receiver[1]] = out[b][receiver[0]][receiver[1]] + weight * difference
    return torch.stack([torch.stack([torch.stack(row) for row in image]) for image in out])


def _blend(b, first, second, rast, window, pos, tri, neighbours):
    """At most one (instance, receiver, donor, weight) of a pair of pixels."""
    first_id, second_id = int(rast[b, *first, 3]), int(rast[b, *second, 3])
    if first_id == second_id:
        return []
    first_depth = rast[b, *first, 2] if first_id else math.inf
    second_depth = rast[b, *second, 2] if second_id else math.inf
    own, other, face = (first, second, first_id) if first_depth < second_depth else (second, first, second_id)
    corners = tri[face - 1].tolist()
    if any(pos[b, i, 3] <= 0 for i in corners):
        return []
    centre = window.new_tensor([own[1] + 0.5, own[0] + 0.5])
    along = window.new_tensor([other[1] - own[1], other[0] - own[0]])
    across = along.flip(0).abs()
    best = None
    for i, j, k in (corners, corners[1:] + corners[:1], corners[2:] + corners[:2]):
        a = [(window[n] - centre) @ along for n in (i, j)]
        h = [(window[n] - centre) @ across for n in (i, j)]
        if (h[0] > 0) == (h[1] > 0):
            continue
        t = h[0] / (h[0] - h[1])
        crossing = a[0] + t * (a[1] - a[0])
        if best is None or crossing > best[0]:
            best = crossing, (i, j, k), abs(h[1] - h[0]) >= abs(a[1] - a[0])
    if best is None or not best[2] or not -1 / 16 < best[0] < 17 / 16:
        return []
    i, j, k = best[1]
    far = [vertex for vertex in neighbours[frozenset((i, j))] if vertex[0] != face - 1]
    if len(far) == 1:
        sides = [_cross(window[j] - window[i], window[n] - window[i]) for n in (k, far[0][1])]
        if sides[0] * sides[1] * pos[b, far[0][1], 3] <= 0:
            return []
    d = best[0].clamp(0, 1)
    return [(b, own, other, 0.5 - d) if d < 0.5 else (b, other, own, d - 0.5)]


def edge_neighbours(tri: Tensor) -> dict[frozenset, list[tuple[int, int]]]:
    """(face, vertex across) of every edge; faces that repeat a vertex have no edges."""
    neighbours = defaultdict(list)
    for face, (a, b, c) in enumerate(tri.tolist()):
        if len({a, b, c}) == 3:
            for i, j, k in ((a, b, c), (b, c, a), (c, a, b)):
                neighbours[frozenset((i, j))].append((face, k))
    return neighbours


def _cross(p: Tensor, q: Tensor) -> Tensor:
    return p[0] * q[1] - p[1] * q[0]
