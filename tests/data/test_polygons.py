"""Polygons become triangles that cover the same surface."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from pipeline.data import polygons
from pipeline.data.polygons import triangles

L = [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]
ARROW = [(0, 0), (2, 1), (0, 2), (1, 1)]
COMB = [(0, 0), (9, 0), (9, 3), (8, 3), (8, 1), (6, 1), (6, 3), (5, 3), (5, 1), (3, 1), (3, 3), (2, 3), (2, 1), (0, 1)]
# A square with a square hole: an edge, used twice, leads to the hole.
RING = [(0, 0), (3, 0), (3, 3), (0, 3), (0, 0), (1, 1), (1, 2), (2, 2), (2, 1), (1, 1)]
CONCAVE = {"L": L, "arrow": ARROW, "comb": COMB, "ring": RING}


def fans(rows):
    """The reference for convex polygons, slow and obvious."""
    return [(row[0], row[i], row[i + 1]) for row in rows for i in range(1, len(row) - 1)]


def placed(corners, turn=(0.0, 0.0, 0.0), start=0, sense=1):
    """Corners in the plane as a polygon in space, from another corner on, in either sense."""
    points = np.roll(np.array([(x, y, 0.0) for x, y in corners])[::sense], start, axis=0)
    return Rotation.from_rotvec(turn).apply(points) + [0.3, -0.2, 0.7]


def area_vector(points):
    """Area times the normal of a polygon: half the sum of p_i x p_(i+1)."""
    return np.cross(points, np.roll(points, -1, axis=0)).sum(0) / 2


def inside(corners, at):
    """Whether points of the plane lie in a polygon: a ray from each crosses its sides an odd number of times."""
    crossings = np.zeros(len(at), int)
    for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if ay != by:
            between = (at[:, 1] < ay) != (at[:, 1] < by)
            crossings += between & (at[:, 0] < ax + (at[:, 1] - ay) * (bx - ax) / (by - ay))
    return crossings % 2 == 1


@pytest.mark.parametrize("corners", CONCAVE.values(), ids=CONCAVE)
@given(turn=st.tuples(*[st.floats(-3, 3)] * 3), start=st.integers(0, 13), sense=st.sampled_from([1, -1]))
@settings(max_examples=8)
def test_a_concave_polygon_is_covered_once_and_nothing_else(corners, turn, start, sense):
    points = placed(corners, turn, start, sense)
    faces = triangles(points, [list(range(len(points)))])
    assert len(faces) == len(points) - 2
    parts = [area_vector(points[face]) for face in faces]
    whole = area_vector(points)
    # Equal sums of vectors and of their lengths: all triangles face the same way and none overlap.
    np.testing.assert_allclose(sum(parts), whole, atol=1e-9)
    assert sum(map(np.linalg.norm, parts)) == pytest.approx(np.linalg.norm(whole))


@pytest.mark.parametrize("corners", CONCAVE.values(), ids=CONCAVE)
def test_the_triangles_lie_in_the_polygon(corners):
    faces = triangles(placed(corners), [list(range(len(corners)))])
    samples = np.random.default_rng(0).uniform(-0.5, 9.5, (2000, 2))
    flat = [tuple(point) for point in np.array(corners, float)]
    covered = sum(inside([flat[i] for i in face], samples) for face in faces)
    np.testing.assert_array_equal(covered, inside(flat, samples))


def star(count, radii, turn):
    """A polygon whose corners are seen from the origin one after another: it never crosses itself."""
    angles = 2 * np.pi * np.arange(count) / count
    return placed(np.array(radii)[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1), turn)


@given(
    st.lists(st.floats(0.1, 2.0), min_size=4, max_size=30),
    st.tuples(*[st.floats(-3, 3)] * 3),
)
@settings(max_examples=25)
def test_polygons_round_a_point_keep_their_area(radii, turn):
    points = star(len(radii), radii, turn)
    faces = triangles(points, [list(range(len(points)))])
    parts = [area_vector(points[face]) for face in faces]
    np.testing.assert_allclose(sum(parts), area_vector(points), atol=1e-9)
    assert sum(map(np.linalg.norm, parts)) == pytest.approx(np.linalg.norm(area_vector(points)), rel=1e-5)


@given(st.lists(st.integers(3, 9), min_size=1, max_size=6), st.tuples(*[st.floats(-3, 3)] * 3), st.integers(0, 99))
@settings(max_examples=25)
def test_convex_polygons_are_fans_in_their_order(sizes, turn, seed):
    rng = np.random.default_rng(seed)
    points, rows = [], []
    for size in sizes:
        angles = np.sort(rng.uniform(0, 2 * np.pi, size))
        rows.append(list(range(len(points), len(points) + size)))
        points += list(placed(np.stack([np.cos(angles), 0.5 * np.sin(angles)], 1), turn))
    np.testing.assert_array_equal(triangles(np.array(points), rows), fans(rows))


def test_straight_corners_and_bent_quadrilaterals_are_fans():
    straight = placed([(0, 0), (1, 0), (2, 0), (2, 2), (1, 2 + 1e-9), (0, 2), (0, 1)])
    bent = np.array([[0, 0, 0], [1, 0, 0.2], [1, 1, 0], [0, 1, 0.2]])
    for points in (straight, bent):
        rows = [list(range(len(points)))]
        np.testing.assert_array_equal(triangles(points, rows), fans(rows))


def test_triangles_stay_as_they_are_and_less_has_no_surface():
    points = np.random.default_rng(0).normal(size=(6, 3))
    rows = [[0, 1, 2], [], [3], [2, 1, 5], [4, 4], [0, 0, 1]]
    np.testing.assert_array_equal(triangles(points, rows), [[0, 1, 2], [2, 1, 5], [0, 0, 1]])
    np.testing.assert_array_equal(triangles(points, np.array([[0, 1, 2], [3, 4, 5]])), [[0, 1, 2], [3, 4, 5]])
    assert triangles(points, []).shape == (0, 3)


def test_a_polygon_that_crosses_itself_has_triangles_of_its_corners():
    points = placed([(0, 0), (2, 2), (2, 0), (0, 2), (-1, 1)])
    faces = triangles(points, [list(range(5))])
    assert 1 <= len(faces) <= 3
    assert all(len({*face}) == 3 and set(face) <= set(range(5)) for face in faces)


@pytest.mark.parametrize("row", [[0, 1, 3], [0, 1, -1], [0, 1, 2, 3]])
def test_vertices_that_do_not_exist_are_errors(row):
    with pytest.raises(ValueError, match="outside 0 to 2"):
        triangles(np.eye(3), [row])


def test_the_work_has_a_limit(monkeypatch):
    monkeypatch.setattr(polygons, "MOST_CORNERS", 13)
    with pytest.raises(ValueError, match="has 14 corners; split those of more than 13"):
        triangles(placed(COMB), [list(range(len(COMB)))])
