import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.geometry.marching import close_border, crossed_vertices, marching_tetrahedra, sparse_sdf
from pipeline.geometry.meshes import mesh_edges
from pipeline.geometry.tetgrid import build_tetgrid
from support.meshes import is_watertight, signed_volume

seeds = st.integers(0, 2**31)


def ellipsoid(points: torch.Tensor, axes=(1.05, 1.05, 2.1)) -> torch.Tensor:
    return 1 - (points / points.new_tensor(axes)).norm(dim=1)


def waves(points: torch.Tensor, seed: int) -> torch.Tensor:
    """A smooth random field: a few plane waves of random direction and phase."""
    rng = np.random.default_rng(seed)
    directions = points.new_tensor(rng.normal(0, 2, (3, 4)))
    return (points @ directions + points.new_tensor(rng.uniform(0, 2 * np.pi, 4))).sin().mean(1) + rng.uniform(
        -0.3, 0.3
    )


def reference_patch(points: np.ndarray, sdf: np.ndarray) -> np.ndarray | None:
    """Area vector of the part of the zero plane of the linear interpolant that lies in one tetrahedron."""
    gradient = np.linalg.solve(points[1:] - points[0], sdf[1:] - sdf[0])
    cuts = []
    for i in range(4):
        for j in range(i):
            if (sdf[i] > 0) != (sdf[j] > 0):
                cuts.append(points[i] + (points[j] - points[i]) * sdf[i] / (sdf[i] - sdf[j]))
    if not cuts:
        return None
    outward = -gradient / np.linalg.norm(gradient)
    centre = np.mean(cuts, axis=0)
    u = cuts[0] - centre
    angle = [np.arctan2(outward @ np.cross(u, cut - centre), u @ (cut - centre)) for cut in cuts]
    loop = [cuts[k] - centre for k in np.argsort(angle)]
    return sum(np.cross(loop[k - 1], loop[k]) for k in range(len(loop))) / 2


@settings(max_examples=15, deadline=None)
@given(resolution=st.integers(2, 4), seed=seeds)
def test_surface_matches_a_tetrahedron_by_tetrahedron_reference(resolution, seed):
    grid = build_tetgrid(resolution, 2.0)
    points = grid.vertices.double()
    sdf = close_border(grid, waves(points, seed))
    sdf = torch.where(sdf.abs() < 1e-3, -1e-3, sdf)  # Nearer to 0 values are moved, by a distance of their own.
    surface = marching_tetrahedra(grid, points, sdf)

    patches: dict[frozenset, np.ndarray] = {}
    corners = surface.vertices[surface.faces]
    areas = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).numpy() / 2
    for ends, area in zip(surface.edges[surface.faces].reshape(-1, 6).tolist(), areas, strict=True):
        patches[frozenset(ends)] = patches.get(frozenset(ends), 0) + area
    expected = {}
    for tet in grid.tets.tolist():
        patch = reference_patch(points[tet].numpy(), sdf[tet].numpy())
        if patch is not None:
            expected[frozenset(tet)] = patch
    assert patches.keys() == expected.keys()
    for tet, patch in expected.items():
        np.testing.assert_allclose(patches[tet], patch, atol=1e-10)


@settings(max_examples=30, deadline=None)
@given(resolution=st.integers(2, 9), seed=seeds)
def test_surface_of_a_random_field_is_watertight(resolution, seed):
    grid = build_tetgrid(resolution, 2.0)
    surface = marching_tetrahedra(grid, grid.vertices, close_border(grid, waves(grid.vertices, seed)))
    if len(surface.faces):
        assert is_watertight(surface.faces)
        assert torch.equal(surface.faces.unique(), torch.arange(len(surface.vertices)))
        assert signed_volume(surface.vertices, surface.faces) > 0


@settings(max_examples=20, deadline=None)
@given(resolution=st.integers(2, 5), seed=seeds)
def test_vertices_interpolate_the_grid_where_the_field_vanishes(resolution, seed):
    grid = build_tetgrid(resolution, 2.0)
    sdf = waves(grid.vertices, seed)
    surface = marching_tetrahedra(grid, grid.vertices, sdf)
    a, b = surface.edges.unbind(1)
    w = surface.weights[:, None]
    torch.testing.assert_close(surface.vertices, (1 - w) * grid.vertices[a] + w * grid.vertices[b])
    torch.testing.assert_close(((1 - w[:, 0]) * sdf[a] + w[:, 0] * sdf[b]), torch.zeros(len(a)), atol=2e-4, rtol=0)
    assert ((sdf[a] > 0) != (sdf[b] > 0)).all()


@pytest.mark.parametrize("resolution", [24, 25])
def test_ellipsoid_has_the_right_volume_and_topology(resolution):
    grid = build_tetgrid(resolution, 5.0)
    surface = marching_tetrahedra(grid, grid.vertices, ellipsoid(grid.vertices))
    volume = signed_volume(surface.vertices, surface.faces).item()
    assert volume == pytest.approx(4 / 3 * math.pi * 1.05 * 1.05 * 2.1, rel=0.01)
    assert is_watertight(surface.faces)
    assert euler_characteristic(surface) == 2


def test_torus_and_cavity_have_their_euler_characteristics():
    grid = build_tetgrid(16, 4.0)
    x, y, z = grid.vertices.unbind(1)
    torus = 0.5 - ((x.square() + z.square()).sqrt() - 1.2).square().add(y.square()).sqrt()
    shell = 0.4 - (grid.vertices.norm(dim=1) - 1.2).abs()
    assert euler_characteristic(marching_tetrahedra(grid, grid.vertices, torus)) == 0
    assert euler_characteristic(marching_tetrahedra(grid, grid.vertices, shell)) == 4


@pytest.mark.parametrize("resolution", [5, 6])
@pytest.mark.parametrize("seed", range(3))
def test_mirror_symmetric_field_gives_a_mirror_symmetric_surface(resolution, seed):
    grid = build_tetgrid(resolution, 2.0)
    folded = grid.vertices.clone()
    folded[:, 0].abs_()
    sdf = close_border(grid, waves(folded, seed))
    sdf = sdf[torch.minimum(grid.mirror, torch.arange(len(sdf)))]
    surface = marching_tetrahedra(grid, grid.vertices, sdf)
    row = {edge: k for k, edge in enumerate(map(frozenset, surface.edges.tolist()))}
    image = torch.tensor([row[frozenset(edge)] for edge in grid.mirror[surface.edges].tolist()])
    assert torch.equal(surface.vertices[image], surface.vertices * torch.tensor([-1.0, 1.0, 1.0]))

    one_sided = (surface.vertices[surface.faces][..., 0] >= 0).all(1) | (
        surface.vertices[surface.faces][..., 0] <= 0
    ).all(1)
    faces = surface.faces[one_sided]
    assert cycles(image[faces].flip(1)) == cycles(faces)
    assert 0 < one_sided.sum() < len(surface.faces)


def test_gradients_equal_finite_differences():
    grid = build_tetgrid(5, 3.0)
    points = grid.vertices.double()

    def objective(points, sdf):
        return marching_tetrahedra(grid, points, sdf).vertices.norm(dim=1).mean()

    sdf = ellipsoid(points, (0.9, 1.0, 1.1))
    points.requires_grad_()
    sdf.requires_grad_()
    objective(points, sdf).backward()
    assert torch.equal(sdf.grad != 0, crossed_vertices(grid, sdf))
    with torch.no_grad():
        for variable, step in [(sdf, 1e-6), (points, 1e-6)]:
            flat, gradient = variable.view(-1), variable.grad.view(-1)
            for k in gradient.nonzero().squeeze(1)[::7].tolist():
                value = flat[k].item()
                flat[k] = value + step
                above = objective(points, sdf)
                flat[k] = value - step
                below = objective(points, sdf)
                flat[k] = value
                assert gradient[k].item() == pytest.approx(((above - below) / (2 * step)).item(), rel=1e-3, abs=1e-8)


def test_two_pass_gradient_equals_the_naive_one():
    grid = build_tetgrid(6, 3.0)
    field = small_field()
    calls = []

    def counted(points):
        calls.append((len(points), torch.is_grad_enabled()))
        return field(points)

    gradients = []
    for sdf in [close_border(grid, field(grid.vertices)), sparse_sdf(grid, grid.vertices, counted)]:
        field.zero_grad()
        surface = marching_tetrahedra(grid, grid.vertices, sdf)
        (surface.vertices.square() * torch.tensor([1.0, 2.0, 3.0])).mean().backward()
        gradients.append(torch.cat([p.grad.reshape(-1) for p in field.parameters()]))
    assert gradients[0].abs().max() > 1e-2
    assert (gradients[0] - gradients[1]).abs().max() < 1e-6
    crossed = crossed_vertices(grid, close_border(grid, field(grid.vertices))).sum().item()
    inner = (~grid.border).sum().item()
    assert calls == [(inner, False), (crossed, True)]
    assert crossed < 0.5 * len(grid.vertices)


@settings(max_examples=30, deadline=None)
@given(resolution=st.integers(2, 4), seed=seeds)
def test_field_values_of_exactly_zero_are_outside_and_keep_everything_finite(resolution, seed):
    grid = build_tetgrid(resolution, 2.0)
    rng = np.random.default_rng(seed)
    sdf = torch.tensor(rng.integers(-1, 2, len(grid.vertices)), dtype=torch.float32)
    sdf = close_border(grid, sdf).requires_grad_()
    surface = marching_tetrahedra(grid, grid.vertices, sdf)
    surface.vertices.square().sum().backward()
    assert torch.isfinite(surface.vertices).all() and torch.isfinite(sdf.grad).all()
    assert ((surface.weights > 0) & (surface.weights < 1)).all()
    assert not len(surface.faces) or is_watertight(surface.faces)
    zero_as_outside = torch.where(sdf > 0, 1.0, -1.0)
    assert torch.equal(marching_tetrahedra(grid, grid.vertices, zero_as_outside).faces, surface.faces)


def test_tiny_values_have_bounded_gradients_and_are_not_stuck():
    grid = build_tetgrid(2, 2.0)
    sdf = torch.full((len(grid.vertices),), -1e-30)
    sdf[(~grid.border).nonzero()[0]] = 1e-30
    sdf.requires_grad_()
    marching_tetrahedra(grid, grid.vertices, sdf).vertices.sum().backward()
    assert 0 < sdf.grad.abs().max() < 1e5


@pytest.mark.parametrize("value", [-1.0, 0.0, 1.0])
def test_field_of_one_sign_gives_an_empty_surface(value):
    grid = build_tetgrid(3, 2.0)
    sdf = torch.full((len(grid.vertices),), value, requires_grad=True)
    surface = marching_tetrahedra(grid, grid.vertices, sdf)
    assert [tuple(part.shape) for part in surface] == [(0, 3), (0, 3), (0, 2), (0,)]
    assert surface.faces.dtype == torch.int64
    assert not crossed_vertices(grid, sdf).any()
    surface.vertices.sum().backward()
    assert not sdf.grad.any()


def test_field_that_reaches_the_border_is_open_unless_closed():
    grid = build_tetgrid(4, 2.0)
    sdf = grid.vertices[:, 1] + 0.1
    assert not is_watertight(marching_tetrahedra(grid, grid.vertices, sdf).faces)
    surface = marching_tetrahedra(grid, grid.vertices, close_border(grid, sdf))
    assert is_watertight(surface.faces)
    assert signed_volume(surface.vertices, surface.faces).item() == pytest.approx(1.1 * 4, rel=0.1)


def test_repeats_are_identical():
    grid = build_tetgrid(8, 2.0)
    sdf = close_border(grid, waves(grid.vertices, 5))
    first, second = (marching_tetrahedra(grid, grid.vertices, sdf) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def small_field() -> torch.nn.Module:
    torch.manual_seed(3)

    class Field(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.Sequential(torch.nn.Linear(3, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))

        def forward(self, points):
            return 0.9 - points.norm(dim=1) + 0.3 * self.layers(points).squeeze(1)

    return Field()


def euler_characteristic(surface) -> int:
    return len(surface.vertices) - len(mesh_edges(surface.faces)) + len(surface.faces)


def cycles(faces: torch.Tensor) -> set[tuple[int, ...]]:
    """Oriented faces, whichever corner comes first."""
    rows = faces.tolist()
    return {tuple(row[row.index(min(row)) :] + row[: row.index(min(row))]) for row in rows}
