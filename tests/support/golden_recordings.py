"""Recordings of a rasterizer at work, operation by operation, and the comparison of another one with them.

`interpolate` and `antialias` are fed the recorded result of `rasterize`, so that a pixel on an edge that goes to
another face cannot spread. Inputs and upstream gradients have few distinct values, which makes the files small.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from support.scenes import ball, floor, generator, triangle_soup

FOLDER = Path(__file__).parents[1] / "golden"

LARGEST_FILE = 300_000
"""Bytes."""
SAME_FACES = 0.995
"""Share of the pixels that must show the same face; the others lie within 1/16 pixel of an edge."""
VALUES = 1e-4
"""Absolute bound on u, v, z/w, attributes and colours."""
GRADIENTS = 1e-3
"""Bound on gradients, relative to the largest."""


class Recording(NamedTuple):
    """Float32 and int32 arrays, for B instances of a mesh."""

    pos: np.ndarray
    """[B,V,4] clip coordinates."""
    tri: np.ndarray
    """[F,3]."""
    attr: np.ndarray
    """[B or 1,V,2] vertex attributes."""
    color: np.ndarray
    """[B,H,W,2] the image that is antialiased."""
    rast: np.ndarray
    """[B,H,W,4] result of `rasterize`."""
    interpolated: np.ndarray
    antialiased: np.ndarray
    upstream_rast: np.ndarray
    """[B,H,W,4]: gradients of the results, zero in rast next to a pixel of another face."""
    upstream_interpolated: np.ndarray
    upstream_antialiased: np.ndarray
    rast_pos: np.ndarray
    """Gradient of `rast` for `pos`; likewise below."""
    interpolated_attr: np.ndarray
    interpolated_rast: np.ndarray
    antialiased_color: np.ndarray
    antialiased_pos: np.ndarray
    versions: np.ndarray
    """One JSON text."""


def scenes(size):
    """Name, positions for two instances, faces, and whether the instances share their attributes."""
    soup, soup_faces = triangle_soup(2, count=20)
    return {
        "ball": (*ball(9, 12, batch=2), False),
        "soup": (torch.cat([soup, soup * soup.new_tensor([0.9, -0.8, 1, 1])]), soup_faces, True),
        "floor": (*floor(batch=2), False),
    }


def record(rasterizer, name, size, device="cpu", versions=None):
    """Run the operations on a scene; the result is the same on every machine but for what the rasterizer computes."""
    pos, tri, shared = scenes(size)[name]
    rng = generator(len(name))
    pos, tri = pos.float().to(device).requires_grad_(), tri.to(device)
    attr = _steps(rng, (1 if shared else 2, pos.shape[1], 2)).to(device).requires_grad_()
    color = _steps(rng, (2, size, size, 2)).to(device).requires_grad_()
    upstream_rast = _steps(rng, (2, size, size, 4)).to(device)
    upstream = [_steps(rng, (2, size, size, 2)).to(device) for _ in range(2)]

    rast = rasterizer.rasterize(pos, tri, (size, size))
    upstream_rast = upstream_rast * _settled(rast[..., 3].detach())[..., None]
    (rast_pos,) = torch.autograd.grad(rast, pos, upstream_rast)
    rast = rast.detach().requires_grad_()
    interpolated = rasterizer.interpolate(attr, rast, tri)
    interpolated_grads = torch.autograd.grad(interpolated, (attr, rast), upstream[0])
    antialiased = rasterizer.antialias(color, rast.detach(), pos, tri)
    antialiased_grads = torch.autograd.grad(antialiased, (color, pos), upstream[1])
    tensors = (
        *(pos, tri, attr, color, rast, interpolated, antialiased, upstream_rast, *upstream),
        *(rast_pos, *interpolated_grads, *antialiased_grads),
    )
    arrays = [tensor.detach().cpu().numpy() for tensor in tensors]
    return Recording(*arrays, np.array(json.dumps(versions or {}, sort_keys=True)))


def write(path, recording):
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(path, **recording._asdict())
    if path.stat().st_size > LARGEST_FILE:
        raise ValueError(f"{path}: {path.stat().st_size} bytes, more than {LARGEST_FILE}")


def read(path):
    with np.load(path) as content:
        return Recording(**content)


def compare(rasterizer, recording):
    """Run the operations of a CPU rasterizer on recorded inputs; AssertionError where the results are not those."""
    r = Recording(*(torch.from_numpy(array) if array.ndim else array for array in recording))
    pos, attr, color = (tensor.clone().requires_grad_() for tensor in (r.pos, r.attr, r.color))

    rast = rasterizer.rasterize(pos, r.tri, tuple(r.rast.shape[1:3]))
    same = rast[..., 3] == r.rast[..., 3]
    assert same.double().mean() >= SAME_FACES, f"faces: {(~same).sum()} of {same.numel()} pixels differ"
    for b, row, column in (~same).nonzero().tolist():
        found, expected = int(rast[b, row, column, 3]), int(r.rast[b, row, column, 3])
        _check_on_edge(r.pos[b].double(), r.tri, rast.shape[1:3], (row, column), {found, expected} - {0})
    _check_values("rast", rast[same][:, :2], r.rast[same][:, :2])
    # The definition leaves open whether the depth is that of the weights before they are clamped to the face, and
    # whether it is itself clamped where the rounded vertices reach over the near or the far plane.
    inside = same & (r.rast[..., :2] > 0).all(-1) & (r.rast[..., :2].sum(-1) < 1 - 1e-6)
    _check_values("rast", rast[inside][:, 2], r.rast[inside][:, 2].clamp(-1, 1))
    assert same[(r.upstream_rast != 0).any(-1)].all(), "faces: a pixel differs among others that agree"
    _check_gradients("rast_pos", torch.autograd.grad(rast, pos, r.upstream_rast)[0], r.rast_pos)

    given = r.rast.clone().requires_grad_()
    interpolated = rasterizer.interpolate(attr, given, r.tri)
    _check_values("interpolated", interpolated, r.interpolated)
    grads = torch.autograd.grad(interpolated, (attr, given), r.upstream_interpolated)
    _check_gradients("interpolated_attr", grads[0], r.interpolated_attr)
    _check_gradients("interpolated_rast", grads[1][..., :2], r.interpolated_rast[..., :2])

    antialiased = rasterizer.antialias(color, r.rast, pos, r.tri)
    _check_values("antialiased", antialiased, r.antialiased)
    grads = torch.autograd.grad(antialiased, (color, pos), r.upstream_antialiased)
    _check_gradients("antialiased_color", grads[0], r.antialiased_color)
    _check_gradients("antialiased_pos", grads[1], r.antialiased_pos)


def _check_on_edge(pos, tri, resolution, pixel, shown):
    """The faces that two rasterizers show come within 1/16 pixel of its centre, and an edge of one of them does."""
    size = torch.tensor(resolution[::-1])
    window, depth = (pos[:, :2] / pos[:, 3:] + 1) * size / 2, pos[:, 2] / pos[:, 3]
    centre = window.new_tensor([pixel[1] + 0.5, pixel[0] + 0.5])
    to_edges = []
    for face in shown:
        corners = window[tri[face - 1].long()]
        sides = corners.roll(-1, 0) - corners
        along = (((centre - corners) * sides).sum(1) / sides.square().sum(1)).clamp(0, 1)
        to_edges.append(float((corners + along[:, None] * sides - centre).norm(dim=1).min()))
        turns = sides[:, 0] * (centre - corners)[:, 1] - sides[:, 1] * (centre - corners)[:, 0]
        covered = bool((turns > 0).all() or (turns < 0).all())
        assert covered or to_edges[-1] <= 1 / 16, f"faces: {face} is {to_edges[-1]:.2g} pixels from {pixel}"
        # The near and the far plane cut edges into a face, too.
        rows = tri[face - 1].long()
        plane = torch.linalg.solve(torch.cat([window[rows], window.new_ones(3, 1)], 1), depth[rows])
        here = float(plane @ torch.cat([centre, window.new_ones(1)]))
        to_edges.append((1 - abs(here)) / float(plane[:2].norm()))
    assert min(map(abs, to_edges)) <= 1 / 16, f"faces: no edge of {shown} passes within 1/16 pixel of {pixel}"


def _check_values(name, actual, expected):
    error = (actual.detach() - expected).abs().max()
    assert error <= VALUES, f"{name}: differs by {error:.2g}, more than {VALUES:g}"


def _check_gradients(name, actual, expected):
    error = (actual - expected).abs().max() / expected.abs().max()
    assert error <= GRADIENTS, f"{name}: differs by {error:.2g} of the largest gradient, more than {GRADIENTS:g}"


def _settled(ids):
    """Pixels whose four neighbours show the same face: no edge passes near them."""
    padded = torch.nn.functional.pad(ids[:, None], (1, 1, 1, 1), mode="replicate")[:, 0]
    neighbours = padded[:, 1:-1, 2:], padded[:, 1:-1, :-2], padded[:, 2:, 1:-1], padded[:, :-2, 1:-1]
    return torch.stack([ids == neighbour for neighbour in neighbours]).all(0)


def _steps(rng, shape):
    """Random multiples of 1/8 from -1 to 1."""
    return torch.randint(-8, 9, shape, generator=rng) / 8
