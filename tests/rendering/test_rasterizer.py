"""Interpolation, antialiasing and their gradients for every rasterizer, and what none of them may stumble over."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.rendering.cpu import CpuRasterizer
from support import rasterizer_reference as reference
from support.raster_backends import assert_same, each_backend
from support.scenes import FULL_SCREEN, ball, clip, faces, generator, triangle_soup

CPU = CpuRasterizer(threads=1)
backend = each_backend


def triples(elements):
    return [elements, elements[1:] + elements[:1], elements[2:] + elements[:2]]


def skip_float64(backend, dtype):
    if dtype == torch.float64 and not backend.exact:
        pytest.skip("float64 is the CPU's alone")


def unclamped(rast):
    """Pixels whose u and v were inside the face as computed; clamping has no gradient."""
    return (rast[..., :2] > 0).all(-1) & (rast[..., :2].sum(-1) < 1 - 1e-9)


def numeric_gradient(function, values, step=1e-6):
    """Central differences of a scalar function."""
    gradient = torch.zeros_like(values)
    for index in itertools.product(*map(range, values.shape)):
        ends = []
        for sign in (1, -1):
            moved = values.clone()
            moved[index] += sign * step
            ends.append(function(moved))
        gradient[index] = (ends[0] - ends[1]) / (2 * step)
    return gradient


def relative_error(actual, expected):
    return float((actual - expected).abs().max() / expected.abs().max())


# Gradients


def test_gradient_of_interpolated_attributes_matches_central_differences():
    pos, tri = ball(4, 6)
    attr = torch.randn(1, pos.shape[1], 3, generator=generator(0), dtype=torch.float64)
    rast = CPU.rasterize(pos, tri, (20, 20))
    free = unclamped(rast)
    weights = torch.randn(1, 20, 20, 3, generator=generator(1), dtype=torch.float64) * free[..., None]
    assert free.sum() > 50

    def loss(pos, attr):
        moved = CPU.rasterize(pos, tri, (20, 20))
        assert (moved[..., 3] == rast[..., 3]).all()
        return (weights * CPU.interpolate(attr, moved, tri)).sum()

    pos.requires_grad_()
    attr.requires_grad_()
    loss(pos, attr).backward()
    assert relative_error(pos.grad, numeric_gradient(lambda p: loss(p, attr).detach(), pos.detach())) < 1e-6
    assert relative_error(attr.grad, numeric_gradient(lambda a: loss(pos, a).detach(), attr.detach())) < 1e-6
    assert (pos.grad[..., 2] == 0).all()


def test_gradient_of_an_antialiased_image_matches_central_differences():
    pos, tri = ball(4, 6)
    color = torch.rand(len(tri) + 1, 2, generator=generator(0), dtype=torch.float64)
    color[0] = 0
    weights = torch.randn(1, 20, 20, 2, generator=generator(1), dtype=torch.float64)

    def loss(pos, color):
        rast = CPU.rasterize(pos, tri, (20, 20))
        return (weights * CPU.antialias(color[rast[..., 3].detach().long()], rast, pos, tri)).sum()

    pos.requires_grad_()
    color.requires_grad_()
    loss(pos, color).backward()
    assert relative_error(pos.grad, numeric_gradient(lambda p: loss(p, color).detach(), pos.detach())) < 1e-6
    assert relative_error(color.grad, numeric_gradient(lambda c: loss(pos, c).detach(), color.detach())) < 1e-6
    assert (pos.grad[..., 2] == 0).all()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 2e-3)])
@pytest.mark.parametrize("shared", [False, True])
def test_values_and_gradients_of_interpolation_match_autograd_of_the_reference(backend, dtype, tolerance, shared):
    skip_float64(backend, dtype)
    tolerance = backend.gradient_bound(tolerance)
    pos, tri = ball(5, 8, batch=2, dtype=dtype)
    attr = torch.randn(1 if shared else 2, pos.shape[1], 4, generator=generator(0), dtype=dtype)
    pos.requires_grad_()
    attr.requires_grad_()
    rast = backend.rasterize(pos, tri, (24, 28))
    uv = reference.barycentrics(pos, tri, rast[..., 3].detach())
    free = unclamped(rast) | (rast[..., 3] == 0)
    weights = torch.randn(2, 24, 28, 4, generator=generator(1), dtype=dtype) * free[..., None]
    actual = backend.interpolate(attr, rast, tri)
    expected = reference.interpolate(attr, torch.cat([uv, rast[..., 2:]], -1), tri)
    assert relative_error(actual[free].detach(), expected[free].detach()) < tolerance
    grads = torch.autograd.grad((weights * actual).sum(), [pos, attr], retain_graph=True)
    expected_grads = torch.autograd.grad((weights * expected).sum(), [pos, attr])
    for grad, expected_grad in zip(grads, expected_grads, strict=True):
        assert relative_error(grad, expected_grad) < tolerance


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-9), (torch.float32, 2e-3)])
@pytest.mark.parametrize("scene", ["ball", "soup"])
def test_values_and_gradients_of_antialiasing_match_autograd_of_the_reference(backend, dtype, tolerance, scene):
    skip_float64(backend, dtype)
    tolerance = backend.gradient_bound(tolerance)
    pos, tri = ball(5, 7, dtype=dtype) if scene == "ball" else triangle_soup(5, 12, dtype=dtype)
    rast = backend.rasterize(pos, tri, (16, 20)).detach()
    color = torch.rand(1, 16, 20, 3, generator=generator(0), dtype=dtype)
    pos.requires_grad_()
    color.requires_grad_()
    weights = torch.randn(1, 16, 20, 3, generator=generator(1), dtype=dtype)
    actual = backend.antialias(color, rast, pos, tri)
    expected = reference.antialias(color, rast, pos, tri)
    assert ((actual != color).any(-1)).sum() > 15
    assert relative_error(actual.detach(), expected.detach()) < tolerance
    grads = torch.autograd.grad((weights * actual).sum(), [pos, color])
    expected_grads = torch.autograd.grad((weights * expected).sum(), [pos, color])
    for grad, expected_grad in zip(grads, expected_grads, strict=True):
        assert relative_error(grad, expected_grad) < tolerance


# Antialiasing


@pytest.mark.parametrize("transpose", [False, True])
def test_an_axis_aligned_edge_gives_exact_coverage(backend, transpose):
    left, right = 2.3, 6.4
    x = [2 * left / 10 - 1, 2 * right / 10 - 1]
    corners = [[x[0], -2], [x[1], -2], [x[1], 2], [x[0], 2]]
    pos = clip([p[::-1] for p in corners] if transpose else corners)
    tri = faces((0, 1, 2), (0, 2, 3))
    rast = backend.rasterize(pos, tri, (10, 10))
    mask = backend.antialias((rast[..., 3:] > 0).double(), rast, pos, tri)[0, ..., 0]
    expected = torch.tensor([0, 0, 0.7, 1, 1, 1, 0.4, 0, 0, 0], dtype=torch.float64)
    bound = backend.value_bound(1e-7)
    torch.testing.assert_close(mask.T if transpose else mask, expected.expand(10, 10), atol=bound, rtol=1e-7)


@pytest.mark.parametrize(("distance", "blend"), [(1.03, 0.5), (1.2, 0)])
def test_an_edge_counts_only_up_to_the_other_pixels_centre(backend, distance, blend):
    # The first quad dives below the second face between the columns 5 and 6, and ends further to the right.
    left, right, dive = 2, 5.5 + distance, 5.9
    window = torch.tensor([[left, -5.0], [right, -5.0], [right, 15.0], [left, 15.0]], dtype=torch.float64)
    pos = torch.cat([clip(window / 5 - 1, depth=(window[:, 0] - dive) * 0.1), clip(FULL_SCREEN)], 1)
    tri = faces((0, 1, 2), (0, 2, 3), (4, 5, 6))
    rast = backend.rasterize(pos, tri, (10, 10))
    quad = ((rast[..., 3:] == 1) | (rast[..., 3:] == 2)).double()
    assert quad[0, 4, 4:8, 0].tolist() == [1, 1, 0, 0]
    found = backend.antialias(quad, rast, pos, tri)[0, 4, 4:8, 0].tolist()
    assert found == pytest.approx([1, 1, blend, 0], rel=0, abs=backend.value_bound(0))


def test_edges_inside_a_surface_are_not_blended_but_seams_of_equal_vertices_are(backend):
    square = torch.tensor([[-2.0, -2], [2, -2], [2, 2.3], [-2, 2]], dtype=torch.float64)
    image = torch.rand(1, 12, 12, 3, generator=generator(0)).double()
    shared, split = faces((0, 1, 2), (0, 2, 3)), faces((0, 1, 2), (3, 4, 5))
    pos = clip(square)
    blended = backend.antialias(image, backend.rasterize(pos, shared, (12, 12)), pos, shared)
    assert torch.equal(blended, image)
    pos = clip(square[[0, 1, 2, 0, 2, 3]])
    assert not torch.equal(backend.antialias(image, backend.rasterize(pos, split, (12, 12)), pos, split), image)


@settings(max_examples=20)
@given(st.lists(st.tuples(*[st.integers(0, 6)] * 3), max_size=12))
def test_topology_names_the_vertex_across_each_edge(rows):
    tri = faces(*rows)
    neighbours = reference.edge_neighbours(tri)
    expected = torch.full((len(tri), 3), -1, dtype=torch.int32)
    for face, corners in enumerate(tri.tolist()):
        for k, (i, j, _) in enumerate(triples(corners)):
            if len(set(corners)) == 3 and len(neighbours[frozenset((i, j))]) == 2:
                (expected[face, k],) = (v for f, v in neighbours[frozenset((i, j))] if f != face)
    assert torch.equal(CPU.topology(tri, 7), expected)


def test_a_given_topology_changes_nothing(backend):
    pos, tri = ball(batch=2)
    rast = backend.rasterize(pos, tri, (16, 16))
    topology = backend.topology(tri, pos.shape[1])
    assert_same(backend, backend.antialias(rast, rast, pos, tri, topology), backend.antialias(rast, rast, pos, tri))


def test_a_triangle_is_fitted_to_a_mask(backend):
    corners = clip([[-0.6, -0.5], [0.5, -0.4], [0.0, 0.7]])
    tri = faces((0, 1, 2))

    def render(scale, shift):
        pos = torch.cat([corners[..., :2] * scale + shift, corners[..., 2:]], -1)
        rast = backend.rasterize(pos, tri, (48, 48))
        return backend.antialias((rast[..., 3:] > 0).double(), rast, pos, tri)

    true_scale, true_shift = torch.tensor([1.2, 0.8]).double(), torch.tensor([-0.1, 0.15]).double()
    target = render(true_scale, true_shift).detach()
    scale = torch.tensor([0.7, 1.1], dtype=torch.float64, requires_grad=True)
    shift = torch.tensor([0.2, -0.1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([scale, shift], lr=0.02)
    for _ in range(150):
        optimizer.zero_grad()
        (render(scale, shift) - target).square().mean().backward()
        optimizer.step()
    assert (scale - true_scale).abs().max() < 0.02
    assert (shift - true_shift).abs().max() < 0.02


# Robustness


NAN, INF = math.nan, math.inf
DEGENERATE = {
    "point": ([[0.1, 0.1, -0.5, 1]] * 3, 0),
    "line": ([[-0.9, -0.9, -0.5, 1], [0, 0, -0.5, 1], [0.9, 0.9, -0.5, 1]], 0),
    "nan": ([[NAN, 0, -0.5, 1], [1, 0, -0.5, 1], [0, 1, -0.5, 1]], 0),
    "nan w": ([[0, 0, -0.5, NAN], [1, 0, -0.5, 1], [0, 1, -0.5, 1]], 0),
    "inf": ([[INF, 0, -0.5, 1], [1, 0, -0.5, 1], [0, 1, -0.5, 1]], 0),
    "behind the camera": ([[-1, -1, 0.5, -1], [3, -1, 0.5, -1], [-1, 3, 0.5, -1]], 0),
    "w = 0": ([[-1, -1, 0, 0], [3, -1, 0, 0], [-1, 3, 0, 0]], 0),
    "beyond the far plane": ([[-1, -1, 1.5, 1], [3, -1, 1.5, 1], [-1, 3, 1.5, 1]], 0),
    "huge": ([[-1e30, -1e30, -0.5, 1], [1e30, -1e30, -0.5, 1], [0, 1e30, -0.5, 1]], 256),
    "one vertex at w = 0": ([[-1, -1, -0.5, 1], [1, -1, -0.5, 1], [0, 1, 0, 0]], None),
    "tiny w": ([[-1e-30, -1e-30, 0, 1e-30], [3e-30, -1e-30, 0, 1e-30], [-1e-30, 3e-30, 0, 1e-30]], 256),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_faces_give_finite_images_and_gradients(backend, name):
    if name == "nan" and backend.device.type == "cuda":
        pytest.skip("nvdiffrast gives numbers only for vertices that are numbers")
    corners, count = DEGENERATE[name]
    behind = clip([[-0.5, -0.5], [0.5, -0.5], [-0.5, 0.5]], depth=0.5, dtype=torch.float32)
    pos = torch.cat([torch.tensor([corners], dtype=torch.float32), behind], 1).requires_grad_()
    tri = faces((0, 1, 2), (3, 4, 5), (0, 2, 1), (0, 0, 1))
    attr = torch.rand(1, 6, 2, generator=generator(0)).requires_grad_()
    rast = backend.rasterize(pos, tri, (16, 16))
    out = backend.antialias(backend.interpolate(attr, rast, tri), rast, pos, tri)
    out.square().sum().backward()
    for tensor in (rast, out, pos.grad, attr.grad):
        assert torch.isfinite(tensor).all()
    degenerate = ((rast[..., 3] == 1) | (rast[..., 3] >= 3)).sum()
    if count is not None and backend.exact:
        assert degenerate == count
    if count == 0 and backend.exact:
        alone = backend.rasterize(pos, tri[1:2], (16, 16))[..., 3]
        assert alone.sum() > 20 and torch.equal(alone > 0, rast[..., 3] > 0)


@pytest.mark.parametrize("batch", [0, 2])
def test_no_faces_and_no_instances_render_an_empty_image(backend, batch):
    pos = torch.zeros(batch, 4, 4, requires_grad=True)
    tri = torch.zeros(0, 3, dtype=torch.int32)
    rast = backend.rasterize(pos, tri, (5, 6))
    out = backend.antialias(backend.interpolate(pos, rast, tri), rast, pos, tri)
    assert out.shape == (batch, 5, 6, 4) and not out.any()
    out.sum().backward()
    assert not pos.grad.any()


def test_memory_layout_and_index_type_do_not_matter(backend):
    pos, tri = ball(batch=2)
    attr = torch.rand(2, 3, pos.shape[1], generator=generator(0)).double().transpose(1, 2)
    spread = torch.stack([pos, pos], -1)[..., 0]
    rast = backend.rasterize(pos, tri, (16, 16))
    assert_same(backend, backend.rasterize(spread, tri.long(), (16, 16)), rast)
    image = backend.interpolate(attr.contiguous(), rast, tri)
    mixed = rast.transpose(1, 2).contiguous().transpose(1, 2)
    assert_same(backend, backend.interpolate(attr, mixed, tri.long()), image)
    planar = image.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1)
    blended = backend.antialias(image, rast, pos, tri)
    assert_same(backend, backend.antialias(planar, rast, spread, tri.long()), blended)


@pytest.mark.parametrize("batch", [1, 3])
def test_results_and_gradients_are_bit_identical_for_any_number_of_threads(batch):
    def run(threads):
        rasterizer = CpuRasterizer(threads)
        pos, tri = ball(10, 12, batch=batch, dtype=torch.float32)
        attr = torch.rand(1, pos.shape[1], 5, generator=generator(0))
        pos.requires_grad_()
        attr.requires_grad_()
        rast = rasterizer.rasterize(pos, tri, (33, 40))
        out = rasterizer.antialias(rasterizer.interpolate(attr, rast, tri), rast, pos, tri)
        out.square().sum().backward()
        return [tensor.detach().numpy().tobytes() for tensor in (rast, out, pos.grad, attr.grad)]

    expected = run(1)
    for threads in (1, 2, 2, 5):
        assert run(threads) == expected
