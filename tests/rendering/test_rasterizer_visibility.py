"""Which face each pixel shows, and where on it, for every rasterizer."""

import itertools

import pytest
import torch

from pipeline.rendering.cpu import CpuRasterizer
from support import rasterizer_reference as reference
from support.raster_backends import each_backend
from support.scenes import FULL_SCREEN, ball, clip, faces, generator, to_clip, triangle_soup

CPU = CpuRasterizer(threads=1)
backend = each_backend


def covered(backend, pos, tri, resolution):
    return backend.rasterize(pos, tri, resolution)[0, ..., 3] > 0


def test_row_0_is_the_lowest_clip_y(backend):
    pos = clip([[-1, -1], [1, -1], [-1, -0.5]])
    mask = covered(backend, pos, faces((0, 1, 2)), (8, 8))
    assert mask[0, 0] and not mask[4:].any()


def test_the_models_camera_renders_up_at_the_top_and_right_at_the_right(backend):
    points = torch.tensor([[[0.2, 0.5, 0.0], [0.6, 0.5, 0.0], [0.4, 0.9, 0.0]]])
    rows, columns = torch.where(covered(backend, to_clip(points, 5.0, 30.0), faces((0, 1, 2)), (32, 32)))
    assert len(rows) > 5 and rows.max() < 16 and columns.min() >= 16


def test_u_weights_vertex_0_and_v_weights_vertex_1(backend):
    pos = clip([[-1, -1], [1, -1], [-1, 1]])
    rast = backend.rasterize(pos, faces((0, 1, 2)), (64, 64))[0]
    assert rast[0, 0, 0] > 0.95 and rast[0, 62, 1] > 0.95 and rast[62, 0, :2].max() < 0.05
    assert rast[63, 63].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("seed", range(5))
def test_faces_and_weights_agree_with_a_ray_caster(backend, seed):
    pos, tri = triangle_soup(seed)
    pos = backend.representable(pos)
    resolution = (40, 56)
    rast = backend.rasterize(pos, tri, resolution)[0]
    expected = reference.ray_cast(pos[0], tri, resolution)
    same = rast[..., 3] == expected[..., 3]
    inside = same & (expected[..., :2] > 1e-3).all(-1) & (expected[..., :2].sum(-1) < 1 - 1e-3)
    assert same.double().mean() > 0.99
    assert (rast[..., 3] > 0).double().mean() > 0.3
    torch.testing.assert_close(rast[inside], expected[inside], atol=backend.value_bound(1e-9), rtol=0)
    # Where they differ, the ray caster sees the same face within the rounding of the vertices.
    around = [(x / 16, y / 16) for x, y in itertools.product((-1, 0, 1), repeat=2)]
    nearby = torch.stack([reference.ray_cast(pos[0], tri, resolution, shift)[..., 3] for shift in around])
    assert (nearby == rast[..., 3])[:, ~same].any(0).all()


def test_faces_of_a_closed_surface_agree_with_a_ray_caster(backend):
    pos, tri = ball(12, 16, dtype=torch.float32)
    rast = backend.rasterize(pos, tri, (48, 48))[0]
    expected = reference.ray_cast(pos[0], tri, (48, 48))
    assert (rast[..., 3] != expected[..., 3]).sum() < 0.01 * (rast[..., 3] > 0).sum()
    same = (rast[..., 3] == expected[..., 3]) & (rast[..., 3] > 0)
    torch.testing.assert_close(rast[same], expected[same], atol=1e-2, rtol=0)


@pytest.mark.parametrize("flip", [False, True])
def test_both_sides_of_a_face_are_visible_and_the_nearer_face_wins(backend, flip):
    near, far = clip(FULL_SCREEN, depth=-0.5), clip(FULL_SCREEN, depth=0.5)
    pos = torch.cat([far, near] if flip else [near, far], 1)
    ids = backend.rasterize(pos, faces((0, 1, 2), (3, 5, 4)), (4, 4))[..., 3]
    assert (ids == (2 if flip else 1)).all()


def test_equal_depths_show_the_later_face():
    assert (CPU.rasterize(clip(FULL_SCREEN), faces((0, 1, 2), (0, 1, 2)), (4, 4))[..., 3] == 2).all()


def test_equal_depths_show_one_of_the_faces(backend):
    ids = backend.rasterize(clip(FULL_SCREEN), faces((0, 1, 2), (0, 1, 2)), (4, 4))[..., 3]
    assert ((ids == 1) | (ids == 2)).all()


@pytest.mark.parametrize(("depth", "visible"), [(-1.001, False), (-1, True), (0, True), (1, True), (1.001, False)])
def test_faces_are_visible_between_the_near_and_the_far_plane(backend, depth, visible):
    mask = covered(backend, clip(FULL_SCREEN, depth), faces((0, 1, 2)), (5, 5))
    assert mask.all() if visible else not mask.any()


def sheet(cells, jitter, seed):
    """A triangulated sheet larger than the image, shaken but nowhere folded."""
    rng = generator(seed)
    ticks = torch.linspace(-1.25, 1.25, cells + 1, dtype=torch.float64)
    points = torch.stack(torch.meshgrid(ticks, ticks, indexing="xy"), -1).reshape(-1, 2)
    points = points + (torch.rand(points.shape, generator=rng, dtype=torch.float64) - 0.5) * jitter * 2.5 / cells
    tri = []
    for r, c in itertools.product(range(cells), repeat=2):
        a = r * (cells + 1) + c
        b, d, e = a + 1, a + cells + 1, a + cells + 2
        tri += [[a, b, e], [e, d, a]] if (r + c) % 2 else [[b, a, d], [b, e, d]]
    return points, torch.tensor(tri, dtype=torch.int32)


@pytest.mark.parametrize("jitter", [0.0, 0.2, 0.45])
@pytest.mark.parametrize("size", [32, 61])
def test_every_pixel_is_covered_exactly_once_by_a_sheet(backend, jitter, size):
    # Without jitter and with 32 pixels, vertices and edges fall on pixel centres.
    cells = 16
    points, tri = sheet(cells, jitter, seed=size)
    if jitter == 0 and size == 32:
        points = (points * 16).round() / 16 + 1 / 32
    w = 1 + torch.rand(len(points), generator=generator(1), dtype=torch.float64)
    pos = clip(points, w=w)
    counts = sum(covered(backend, pos, tri[i : i + 1], (size, size)).int() for i in range(len(tri)))
    assert (counts == 1).all()


@pytest.mark.parametrize("turned", [False, True])
def test_a_ground_plane_through_the_camera_covers_the_lower_half_once(backend, turned):
    # y = -1 everywhere and w is the depth: half of the corners lie behind the camera, and the shared edge between
    # the left and the right half of the plane runs through the centres of column 20.
    corners = torch.tensor([(x, w) for x in (-50.0, 0.0, 50.0) for w in (-5.0, 50.0)], dtype=torch.float64)
    x, w = corners.T
    pos = torch.stack([x, -torch.ones_like(x), torch.zeros_like(x), w], -1)[None]
    tri = faces((0, 2, 3), (0, 3, 1), (2, 4, 5), (2, 5, 3))
    if turned:
        tri = tri.flip(1)
    resolution = (40, 41)
    mask = covered(backend, pos, tri, resolution)
    assert mask[:19].all() and not mask[20:].any()
    counts = sum(covered(backend, pos, tri[i : i + 1], resolution).int() for i in range(len(tri)))
    aside = torch.arange(41) != 20
    # Where faces are clipped instead, a pixel on the edge that they share may go to both.
    assert (counts if backend.exact else counts[:, aside]).max() == 1
    rast, expected = backend.rasterize(pos, tri, resolution)[0], reference.ray_cast(pos[0], tri, resolution)
    same = (rast[..., 3] == expected[..., 3]) & aside
    # Clipping rounds the ends of edges, so that a pixel on one may show the face at its other side.
    assert (~same & aside).sum() <= (0 if backend.exact else 1)
    torch.testing.assert_close(rast[same], expected[same], atol=backend.value_bound(1e-9), rtol=0)
