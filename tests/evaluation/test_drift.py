"""Vertex drift: its extremes, pairwise distances and similarity transforms; the moments of known surfaces."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from pipeline.base.errors import InputError
from pipeline.evaluation.drift import assign_keypoints, surface_variance, vertex_drift
from pipeline.prediction.projection import Projection

SEEDS = st.integers(0, 2**31)
CUBE = np.array(list(itertools.product([-0.5, 0.5], repeat=3)))
CUBE_FACES = np.array(
    [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6], [0, 2, 6], [0, 6, 4]]
    + [[1, 5, 7], [1, 7, 3]]
)
CUBE_VARIANCE = 5 / 12
"""By hand, at side 1: a coordinate is +-1/2 on a third of the surface and uniform on the rest: 1/4 / 3 + 1/12 * 2/3."""


def random_mesh(rng, faces=12):
    return rng.normal(size=(9, 3)), np.array([rng.choice(9, 3, replace=False) for _ in range(faces)])


def sample_surface(vertices, faces, count, rng):
    """Points uniform by area: a face by its share, then a point of a parallelogram, folded into the triangle."""
    p, q, r = vertices[faces].swapaxes(0, 1)
    areas = np.linalg.norm(np.cross(q - p, r - p), axis=-1)
    face = rng.choice(len(faces), count, p=areas / areas.sum())
    s, t = rng.random((2, count, 1))
    s, t = np.where(s + t > 1, 1 - s, s), np.where(s + t > 1, 1 - t, t)
    return p[face] + s * (q - p)[face] + t * (r - p)[face]


def variance_by_quadrature(vertices, faces):
    """E ||X||^2 - ||E X||^2, where the middles of a triangle's sides integrate quadratic polynomials exactly."""
    area, first, second = 0.0, np.zeros(3), 0.0
    for p, q, r in vertices[faces]:
        size = math.sqrt((q - p) @ (q - p) * ((r - p) @ (r - p)) - ((q - p) @ (r - p)) ** 2) / 2
        area += size
        for middle in ((p + q) / 2, (q + r) / 2, (r + p) / 2):
            first, second = first + size / 3 * middle, second + size / 3 * (middle @ middle)
    return second / area - (first / area) @ (first / area)


def drift_by_pairs(assigned, total_variance):
    """The unbiased total variance is half the mean squared distance of two different points."""
    drift = {}
    for name, points in assigned.items():
        pairs = list(itertools.combinations(points, 2))
        if pairs:
            drift[name] = sum(float(((a - b) ** 2).sum()) for a, b in pairs) / len(pairs) / 2 / total_variance
    return drift


@given(SEEDS)
def test_surface_variance_against_quadrature(seed):
    vertices, faces = random_mesh(np.random.default_rng(seed))
    assert surface_variance(vertices, faces) == pytest.approx(variance_by_quadrature(vertices, faces))


@pytest.mark.parametrize("seed", range(5))
def test_surface_variance_against_dense_samples(seed):
    rng = np.random.default_rng(seed)
    vertices, faces = random_mesh(rng)
    count = 200_000
    points = sample_surface(vertices, faces, count, rng)
    squares = np.square(points - points.mean(0)).sum(1)
    # Four standard errors of a mean.
    assert surface_variance(vertices, faces) == pytest.approx(
        squares.mean(), abs=4 * squares.std() / math.sqrt(200_000)
    )


def test_surface_variance_of_a_triangle_a_square_and_a_cube_by_hand():
    """A triangle with legs of 1: each coordinate has the density 2 (1 - x), so 1/6 - 1/9. A square: twice 1/12."""
    square = np.array([[0.0, 0, 7], [1, 0, 7], [1, 1, 7], [0, 1, 7]])
    assert surface_variance(square, np.array([[0, 1, 3]])) == pytest.approx(2 * (1 / 6 - 1 / 9))
    assert surface_variance(square, np.array([[0, 1, 2], [0, 2, 3]])) == pytest.approx(1 / 6)
    assert surface_variance(CUBE, CUBE_FACES) == pytest.approx(CUBE_VARIANCE)


def test_surface_variance_of_ever_finer_spheres_goes_to_one():
    """The radius squared; flat faces lie inside the sphere by the square of their size, halved from step to step."""
    corners = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0], [0, -1, 0], [0, 0, -1]])
    triangles = [corners[[x, y, z]] for x in (0, 3) for y in (1, 4) for z in (2, 5)]
    missing = []
    for _ in range(5):
        triangles = [
            np.array(part) / np.linalg.norm(part, axis=1, keepdims=True)
            for a, b, c in triangles
            for part in ((a, a + b, a + c), (b, a + b, b + c), (c, a + c, b + c), (a + b, b + c, a + c))
        ]
        missing.append(1 - surface_variance(np.concatenate(triangles), np.arange(3 * len(triangles)).reshape(-1, 3)))
    assert 0 < missing[-1] < 1e-3
    assert missing[-2] / missing[-1] == pytest.approx(4, rel=0.02)


def test_the_surface_counts_and_not_its_triangles():
    """Splitting faces, unused vertices and faces without area change nothing."""
    centre = CUBE[[0, 1, 3]].mean(0)
    vertices = np.concatenate([CUBE, [centre, [100.0, 0, 0]]])
    faces = np.concatenate([CUBE_FACES[1:], [[0, 1, 8], [1, 3, 8], [3, 0, 8], [5, 5, 2]]])
    assert surface_variance(vertices, faces) == pytest.approx(CUBE_VARIANCE)


@pytest.mark.parametrize(
    ("vertices", "faces"),
    [
        (CUBE, np.zeros((0, 3), dtype=np.int64)),
        (CUBE, np.array([[0, 0, 1]])),
        (np.full((3, 3), np.nan), np.array([[0, 1, 2]])),
    ],
)
def test_a_surface_without_area_is_an_error(vertices, faces):
    with pytest.raises(InputError, match="area"):
        surface_variance(vertices, faces)


@given(SEEDS, st.lists(st.integers(0, 7), min_size=1, max_size=6))
def test_drift_against_pairwise_distances(seed, counts):
    rng = np.random.default_rng(seed)
    assigned = {f"k{i}": rng.normal(size=(count, 3)) for i, count in enumerate(counts)}
    expected = drift_by_pairs(assigned, 2.5)
    if not expected:
        with pytest.raises(InputError, match="keypoint"):
            vertex_drift(assigned, 2.5)
        return
    assert vertex_drift(assigned, 2.5) == pytest.approx(sum(expected.values()) / len(expected))
    for name, drift in expected.items():
        assert vertex_drift({name: assigned[name]}, 2.5) == pytest.approx(drift)


def test_drift_by_hand():
    """Two instances 2 apart: variance 2 of 4. A single instance is left out, though its keypoint would agree."""
    assigned = {"a": np.array([[1.0, 0, 0], [-1, 0, 0]]), "b": np.ones((3, 3)), "c": np.ones((1, 3))}
    assert vertex_drift(assigned, 4.0) == 0.25


def test_drift_is_zero_if_all_instances_assign_one_vertex():
    vertices = np.random.default_rng(0).normal(size=(5, 3))
    found = vertex_drift({f"k{i}": np.repeat(vertex[None], 9, 0) for i, vertex in enumerate(vertices)}, 1.0)
    assert found == pytest.approx(0, abs=1e-28)


@pytest.mark.parametrize("instances", [2, 50])
def test_drift_of_uninformed_assignments_is_one(instances):
    """Whatever the number n of instances. V_k scatters about V with the variance

        Var ||X||^2 / n + 2 tr(C^2) / (n (n - 1)),

    C the covariance; for a cube of side 1 Var ||X||^2 = 2 (1/80 - 1/144), and C has V / 3 in its diagonal.
    """
    keypoints = 1000
    points = sample_surface(CUBE, CUBE_FACES, keypoints * instances, np.random.default_rng(1))
    assigned = {f"k{i}": group for i, group in enumerate(points.reshape(keypoints, instances, 3))}
    total = surface_variance(CUBE, CUBE_FACES)
    fourth = 2 * (1 / 80 - 1 / 144) / instances
    scatter = fourth + 2 * CUBE_VARIANCE**2 / 3 / (instances * (instances - 1))
    error = math.sqrt(scatter / keypoints) / CUBE_VARIANCE
    assert error < 0.04
    assert vertex_drift(assigned, total) == pytest.approx(1, abs=4 * error)
    by_keypoint = [vertex_drift({name: group}, total) for name, group in assigned.items()]
    assert np.std(by_keypoint) == pytest.approx(error * math.sqrt(keypoints), rel=0.15)


@settings(max_examples=50)
@given(SEEDS, st.floats(0.01, 100), st.floats(-100, 100))
def test_drift_does_not_depend_on_the_templates_place_and_size(seed, scale, shift):
    rng = np.random.default_rng(seed)
    vertices, faces = random_mesh(rng)
    chosen = {f"k{i}": rng.choice(len(vertices), 5) for i in range(3)}
    turn = Rotation.random(random_state=rng).as_matrix()
    moved = scale * vertices @ turn.T + shift * scale * rng.normal(size=3)
    drift = [
        vertex_drift({name: template[rows] for name, rows in chosen.items()}, surface_variance(template, faces))
        for template in (vertices, moved)
    ]
    assert drift[1] == pytest.approx(drift[0], rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("assigned", [{}, {"a": np.ones((1, 3))}, {"a": np.ones((0, 3)), "b": np.ones((1, 3))}])
def test_no_keypoint_with_two_instances_is_an_error(assigned):
    with pytest.raises(InputError, match="2 instances or more"):
        vertex_drift(assigned, 1.0)


@given(SEEDS, st.integers(0, 6))
def test_keypoints_are_assigned_the_nearest_visible_vertex(seed, count):
    rng = np.random.default_rng(seed)
    vertices, visible = rng.uniform(0, 100, (40, 2)).astype(np.float32), rng.random(40) < 0.5
    visible[rng.integers(40)] = True
    keypoints = {f"k{i}": tuple(point) for i, point in enumerate(rng.uniform(0, 100, (count, 2)).tolist())}
    found = assign_keypoints(Projection(torch.from_numpy(vertices), torch.from_numpy(visible), torch.eye(3)), keypoints)
    assert found == {
        name: min(np.flatnonzero(visible), key=lambda i: math.dist(vertices[i].tolist(), point))
        for name, point in keypoints.items()
    }
