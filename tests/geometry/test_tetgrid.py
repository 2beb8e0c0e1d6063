import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.geometry.tetgrid import TET_EDGES, TetGrid, build_tetgrid

RESOLUTIONS = [1, 2, 3, 4, 7]


def volumes(grid: TetGrid) -> torch.Tensor:
    p = grid.vertices.double()[grid.tets]
    return torch.linalg.det(p[:, 1:] - p[:, :1]) / 6


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_numbers_of_vertices_edges_and_tetrahedra(resolution):
    grid = build_tetgrid(resolution, 2.0)
    r = resolution
    assert len(grid.vertices) == (r + 1) ** 3 + r**3 + 6 * r**2
    assert len(grid.tets) == 12 * r**2 * (r + 1)
    faces = torch.stack([grid.tets[:, [j for j in range(4) if j != k]] for k in range(4)]).reshape(-1, 3)
    unique, count = faces.unique(dim=0, return_counts=True)
    assert count.max() == 2, "a triangle is shared by at most two tetrahedra"
    assert len(grid.vertices) - len(grid.edges) + len(unique) - len(grid.tets) == 1, "Euler characteristic of a ball"


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_tetrahedra_fill_the_cube_without_overlap(resolution):
    grid = build_tetgrid(resolution, 3.0)
    assert grid.vertices.abs().max() == 1.5
    assert volumes(grid).abs().sum() == pytest.approx(27.0, rel=1e-6)
    generator = torch.Generator().manual_seed(0)
    points = (torch.rand(200, 3, generator=generator, dtype=torch.float64) - 0.5) * 2.99
    p = grid.vertices.double()[grid.tets]
    inverse = torch.linalg.inv((p[:, 1:] - p[:, :1]).transpose(1, 2))
    barycentric = torch.einsum("tij,tnj->tni", inverse, points - p[:, :1])
    inside = (barycentric > 0).all(-1) & (barycentric.sum(-1) < 1)
    assert torch.equal(inside.sum(0), torch.ones(200, dtype=torch.int64))


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_interior_tetrahedra_are_congruent(resolution):
    grid = build_tetgrid(resolution, 1.0)
    size = volumes(grid).abs()
    whole = ~grid.border[grid.tets].sum(1).eq(3)
    cell = 1 / resolution**3
    torch.testing.assert_close(size[whole], torch.full_like(size[whole], cell / 12))
    torch.testing.assert_close(size[~whole], torch.full_like(size[~whole], cell / 24))


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_mirror_maps_vertices_edges_and_tetrahedra_onto_each_other(resolution):
    grid = build_tetgrid(resolution, 2.7)
    assert torch.equal(grid.vertices[grid.mirror], grid.vertices * torch.tensor([-1.0, 1.0, 1.0]))
    assert torch.equal(grid.mirror[grid.mirror], torch.arange(len(grid.mirror)))
    assert as_set(grid.mirror[grid.tets]) == as_set(grid.tets)
    assert as_set(grid.mirror[grid.edges]) == as_set(grid.edges)
    assert torch.equal(grid.border[grid.mirror], grid.border)


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_mirror_keeps_the_order_of_the_corners_of_all_but_self_mirrored_tetrahedra(resolution):
    grid = build_tetgrid(resolution, 1.0)
    mirrored = grid.mirror[grid.tets]
    for tet, image in zip(grid.tets.tolist(), mirrored.tolist(), strict=True):
        assert image == sorted(image) or set(image) == set(tet)


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_vertices_are_ordered_by_distance_from_the_mirror_plane_then_y_z_x(resolution):
    rows = build_tetgrid(resolution, 1.0).vertices.tolist()
    assert rows == sorted(rows, key=lambda p: (abs(p[0]), p[1], p[2], p[0]))


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_border_is_the_outer_layer(resolution):
    grid = build_tetgrid(resolution, 2.0)
    assert torch.equal(grid.border, (grid.vertices.abs() == 1.0).any(1))


@settings(max_examples=10, deadline=None)
@given(resolution=st.integers(1, 5), scale=st.floats(0.1, 100))
def test_edge_tables_agree_with_the_corners(resolution, scale):
    grid = build_tetgrid(resolution, scale)
    assert (grid.edges[:, 0] < grid.edges[:, 1]).all()
    assert len(as_set(grid.edges)) == len(grid.edges)
    assert torch.equal(grid.edges[grid.tet_edges], grid.tets[:, torch.tensor(TET_EDGES)])
    assert torch.equal(grid.flipped, volumes(grid) < 0)


@pytest.mark.parametrize(("resolution", "scale"), [(0, 1.0), (-1, 1.0), (2, 0.0), (2, -1.0), (2, float("nan"))])
def test_an_empty_grid_is_refused(resolution, scale):
    with pytest.raises(ValueError, match="resolution >= 1 and scale > 0"):
        build_tetgrid(resolution, scale)


def as_set(rows: torch.Tensor) -> set[frozenset[int]]:
    return {frozenset(row) for row in rows.tolist()}
