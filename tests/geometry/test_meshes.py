import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.geometry.marching import marching_tetrahedra
from pipeline.geometry.meshes import (
    laplacian_energy,
    largest_component,
    mesh_edges,
    mesh_graph,
    mirror_pairs,
    representatives,
    subdivide,
    vertex_normals,
)
from pipeline.geometry.tetgrid import build_tetgrid
from support.meshes import is_watertight, signed_volume

TETRAHEDRON = torch.tensor([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])
CORNERS = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])


@pytest.fixture(scope="module")
def sphere():
    grid = build_tetgrid(12, 3.0)
    return marching_tetrahedra(grid, grid.vertices.double(), 1 - grid.vertices.double().norm(dim=1))


def test_normals_of_a_sphere_point_outwards(sphere):
    normals = vertex_normals(sphere.vertices, sphere.faces)
    cosine = (normals * torch.nn.functional.normalize(sphere.vertices, dim=-1)).sum(-1)
    assert cosine.min() > math.cos(math.radians(10))
    torch.testing.assert_close(normals.norm(dim=-1), torch.ones(len(normals), dtype=torch.float64))


def test_normals_are_weighted_by_area():
    vertices = torch.tensor([[0.0, 0, 0], [2, 0, 0], [0, 2, 0], [0, 0, -1]])
    faces = torch.tensor([[0, 1, 2], [0, 1, 3]])
    expected = (2.0 * torch.tensor([0.0, 0, 1]) + 1.0 * torch.tensor([0.0, 1, 0])) / math.sqrt(5)
    torch.testing.assert_close(vertex_normals(vertices, faces)[0], expected)


def test_batched_normals_equal_single_ones_and_a_loop(sphere):
    generator = torch.Generator().manual_seed(0)
    batch = sphere.vertices + 0.05 * torch.randn(3, *sphere.vertices.shape, generator=generator, dtype=torch.float64)
    normals = vertex_normals(batch, sphere.faces)
    for vertices, found in zip(batch, normals, strict=True):
        expected = torch.zeros_like(vertices)
        for face in sphere.faces.tolist():
            p, q, r = vertices[face]
            expected[face] += torch.linalg.cross(q - p, r - p)
        torch.testing.assert_close(found, expected / expected.norm(dim=-1, keepdim=True))
        torch.testing.assert_close(found, vertex_normals(vertices, sphere.faces))


def test_normals_have_the_right_gradient():
    vertices = CORNERS.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda v: vertex_normals(v, TETRAHEDRON), vertices)


def test_degenerate_faces_and_lonely_vertices_have_zero_normals_and_finite_gradients():
    vertices = torch.zeros(4, 3, requires_grad=True)
    normals = vertex_normals(vertices, torch.tensor([[0, 1, 2]]))
    normals.sum().backward()
    assert not normals.any() and torch.isfinite(vertices.grad).all()
    assert vertex_normals(vertices, torch.zeros(0, 3, dtype=torch.int64)).shape == (4, 3)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_volume_of_a_tetrahedron_is_its_determinant_wherever_it_lies(seed):
    rng = np.random.default_rng(seed)
    vertices = CORNERS.double() @ torch.tensor(rng.normal(size=(3, 3))) + torch.tensor(rng.normal(size=3))
    expected = torch.linalg.det(vertices[1:] - vertices[0]) / 6
    torch.testing.assert_close(signed_volume(vertices, TETRAHEDRON), expected)
    torch.testing.assert_close(signed_volume(vertices, TETRAHEDRON.flip(1)), -expected)
    torch.testing.assert_close(signed_volume(torch.stack([vertices, 2 * vertices]), TETRAHEDRON)[1], 8 * expected)


def test_mesh_edges_are_those_of_a_loop_over_the_faces(sphere):
    expected = {tuple(sorted(pair)) for face in sphere.faces.tolist() for pair in itertools.combinations(face, 2)}
    assert mesh_edges(sphere.faces).tolist() == sorted(map(list, expected))
    assert mesh_edges(torch.zeros(0, 3, dtype=torch.int64)).shape == (0, 2)


def test_laplacian_energy_equals_a_loop_over_vertices(sphere):
    graph = mesh_graph(sphere.faces, len(sphere.vertices))
    values = torch.randn(2, len(sphere.vertices), 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    neighbours = [[] for _ in sphere.vertices]
    for a, b in graph.edges.tolist():
        neighbours[a].append(b)
        neighbours[b].append(a)
    total = sum((values[:, k] - values[:, near].mean(1)).square().sum() for k, near in enumerate(neighbours))
    torch.testing.assert_close(laplacian_energy(values, graph), total / values.numel())


def test_laplacian_energy_ignores_constants_and_lonely_vertices():
    assert laplacian_energy(torch.ones(1, 4, 2), mesh_graph(TETRAHEDRON, 4)) == 0
    graph = mesh_graph(TETRAHEDRON, 5)
    values = torch.tensor([1.0, 1, 1, 1, 7]).reshape(1, 5, 1)
    assert laplacian_energy(values, graph) == 0
    values[0, 0] = 4.0
    assert laplacian_energy(values, graph).item() == pytest.approx((9 + 3 * 1) / 5)
    values.requires_grad_()
    assert torch.autograd.grad(laplacian_energy(values, graph), values)[0].isfinite().all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), pairs=st.integers(1, 30), plane=st.integers(0, 10), alone=st.integers(0, 5))
def test_mirror_pairs_finds_partners_in_any_order(seed, pairs, plane, alone):
    rng = np.random.default_rng(seed)
    right = rng.uniform(0.2, 1, (pairs, 3))
    middle = rng.uniform(0, 1, (plane, 3)) * [0, 1, 1]
    lonely = rng.uniform(2, 3, (alone, 3))
    left = right * [-1, 1, 1] + rng.uniform(-1e-6, 1e-6, (pairs, 3))
    points = np.concatenate([right, left, middle, lonely])
    partner = np.concatenate([np.arange(pairs) + pairs, np.arange(pairs), np.arange(2 * pairs, len(points))])
    order = rng.permutation(len(points))
    found = mirror_pairs(torch.tensor(points[order]), 1e-5).numpy()
    assert (order[found] == partner[order]).all()


def test_mirror_pairs_is_an_involution_even_where_vertices_coincide():
    vertices = torch.tensor([[1.0, 0, 0], [1.0, 0, 0], [-1.0, 0, 0], [0, 0, 0], [0, 0, 0]])
    found = mirror_pairs(vertices, 1e-3)
    assert torch.equal(found[found], torch.arange(5))
    assert mirror_pairs(torch.zeros(0, 3), 1e-3).shape == (0,)


def test_mirror_pairs_of_a_symmetric_surface_are_complete(sphere):
    found = mirror_pairs(sphere.vertices, 1e-9)
    mirrored = sphere.vertices * torch.tensor([-1.0, 1.0, 1.0])
    assert torch.equal(sphere.vertices[found], mirrored)
    assert torch.equal(found == torch.arange(len(found)), sphere.vertices[:, 0] == 0)


def test_representatives_are_one_of_each_exact_pair_and_every_other_vertex(sphere):
    vertices = sphere.vertices.clone()
    mirror = mirror_pairs(vertices, 1e-9)
    moved = (vertices[:, 0] < 0).nonzero()[0]
    vertices[moved, 1] += 1e-12
    rows, index, share = representatives(vertices, mirror)
    folded = torch.cat([vertices[:, :1].abs(), vertices[:, 1:]], 1)
    assert torch.equal(folded[rows][index], folded)
    assert len(rows) == len(folded.unique(dim=0))
    assert torch.equal(index[rows], torch.arange(len(rows)))
    torch.testing.assert_close(share, index.bincount() / len(vertices), check_dtype=False)


def test_largest_component_keeps_the_biggest_part_and_renumbers_it(sphere):
    n = len(sphere.vertices)
    order = torch.randperm(n + 5, generator=torch.Generator().manual_seed(2))
    faces = order[torch.cat([TETRAHEDRON, sphere.faces + 4])]
    component = largest_component(faces, n + 5)
    assert torch.equal(component.vertices, order[4 : n + 4].sort().values)
    assert torch.equal(component.vertices[component.faces], faces[4:])


def test_largest_component_prefers_the_first_of_equals_and_accepts_nothing():
    component = largest_component(torch.cat([TETRAHEDRON, TETRAHEDRON + 4]), 8)
    assert component.vertices.tolist() == [0, 1, 2, 3] and torch.equal(component.faces, TETRAHEDRON)
    empty = largest_component(torch.zeros(0, 3, dtype=torch.int64), 3)
    assert empty.vertices.shape == (0,) and empty.faces.shape == (0, 3)


def test_watertight_means_every_side_has_its_reverse_once():
    assert is_watertight(TETRAHEDRON)
    assert is_watertight(torch.cat([TETRAHEDRON, TETRAHEDRON + 4]))
    assert not is_watertight(TETRAHEDRON[:3])
    assert not is_watertight(torch.cat([TETRAHEDRON[:3], TETRAHEDRON[3:].flip(1)])), "one face inside out"
    assert not is_watertight(torch.cat([TETRAHEDRON, TETRAHEDRON])), "four faces on an edge"
    assert not is_watertight(torch.zeros(0, 3, dtype=torch.int64))


def test_subdivision_is_the_same_closed_surface_with_four_times_the_faces(sphere):
    split = subdivide(sphere.faces, len(sphere.vertices))
    vertices = split.refine(sphere.vertices)
    assert len(split.faces) == 4 * len(sphere.faces) and len(vertices) == len(sphere.vertices) + len(split.edges)
    assert is_watertight(split.faces)
    torch.testing.assert_close(signed_volume(vertices, split.faces), signed_volume(sphere.vertices, sphere.faces))
    torch.testing.assert_close(vertices[: len(sphere.vertices)], sphere.vertices)
    for (a, b), middle in zip(split.edges.tolist(), vertices[len(sphere.vertices) :], strict=True):
        torch.testing.assert_close(middle, (sphere.vertices[a] + sphere.vertices[b]) / 2)
    old = {tuple(sorted(face)) for face in sphere.faces.tolist()}
    assert not old & {tuple(sorted(face)) for face in split.faces.tolist()}
