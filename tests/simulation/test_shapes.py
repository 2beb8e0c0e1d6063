import numpy as np
import pytest

from pipeline.base.errors import InputError
from pipeline.config.categories import CATEGORIES
from pipeline.simulation.shapes import FAMILIES, make_shape
from pipeline.simulation.shapes.primitives import box, cylinder, ellipsoid, loft, torus, tube
from pipeline.simulation.shapes.shape import MAX_EDGE, subdivide

SEEDS = range(12)


@pytest.fixture(scope="module")
def shapes():
    return {category: [make_shape(category, np.random.default_rng(seed)) for seed in SEEDS] for category in CATEGORIES}


def point_triangle_distance(points, corners):
    """Distance of each point to the nearest triangle: inside the triangle, the plane's, otherwise the edges'."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    normal = np.cross(b - a, c - a)
    area = np.linalg.norm(normal, axis=1)
    unit = normal / np.maximum(area, 1e-15)[:, None]
    best = np.full(len(points), np.inf)
    for i, p in enumerate(points):
        distances = []
        inside = area > 1e-12
        for start, end in ((a, b), (b, c), (c, a)):
            edge = end - start
            t = np.clip(((p - start) * edge).sum(1) / np.maximum((edge**2).sum(1), 1e-15), 0, 1)
            distances.append(np.linalg.norm(p - start - t[:, None] * edge, axis=1))
            inside = inside & ((np.cross(edge, p - start) * unit).sum(1) >= 0)
        distances.append(np.where(inside, np.abs(((p - a) * unit).sum(1)), np.inf))
        best[i] = np.min(distances)
    return best


def is_free(point, direction, corners, margin=0.006):
    """Whether the ray from just outside `point` meets no triangle (Moeller-Trumbore)."""
    origin = point + margin * direction
    edge1, edge2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    h = np.cross(direction, edge2)
    determinant = (edge1 * h).sum(1)
    determinant = np.where(np.abs(determinant) < 1e-14, np.inf, determinant)
    s = origin - corners[:, 0]
    u = (s * h).sum(1) / determinant
    q = np.cross(s, edge1)
    v = q @ direction / determinant
    t = (edge2 * q).sum(1) / determinant
    return not np.any((u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0))


def test_every_category_has_a_family():
    assert list(FAMILIES) == list(CATEGORIES)
    with pytest.raises(InputError, match="'chair'"):
        make_shape("chairs", np.random.default_rng(0))


@pytest.mark.parametrize("category", CATEGORIES)
def test_shapes_are_normalised_sound_and_of_moderate_size(shapes, category):
    for shape in shapes[category]:
        lower, upper = shape.vertices.min(axis=0), shape.vertices.max(axis=0)
        np.testing.assert_allclose(lower, -upper, atol=1e-6)
        assert np.linalg.norm(upper - lower) == pytest.approx(1, abs=1e-6)
        assert 300 <= len(shape.faces) <= 4000
        assert shape.faces.dtype == np.int32
        assert shape.vertices.dtype == shape.face_colours.dtype == np.float32
        assert shape.faces.min() == 0
        assert shape.faces.max() == len(shape.vertices) - 1
        assert len(np.unique(shape.faces)) == len(shape.vertices)
        assert shape.face_colours.shape == shape.faces.shape
        assert np.all((shape.face_colours >= 0) & (shape.face_colours <= 1))
        corners = shape.vertices[shape.faces]
        assert np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max() <= MAX_EDGE + 1e-6


@pytest.mark.parametrize("category", CATEGORIES)
def test_each_part_is_closed_and_faces_outwards(shapes, category):
    for shape in shapes[category][:4]:
        directed = np.concatenate([shape.faces[:, [i, (i + 1) % 3]] for i in range(3)])
        forward = set(map(tuple, directed.tolist()))
        assert len(forward) == len(directed)
        assert forward == {(b, a) for a, b in forward}
        a, b, c = (shape.vertices[shape.faces[:, i]].astype(float) for i in range(3))
        assert (np.cross(a, b) * c).sum() > 0


@pytest.mark.parametrize("category", CATEGORIES)
def test_keypoints_lie_on_the_surface_and_can_be_seen(shapes, category):
    angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    directions = [
        np.array([np.cos(e) * np.sin(a), -np.cos(e) * np.cos(a), np.sin(e)])
        for a in angles
        for e in np.deg2rad([-40, -10, 15, 45, 75])
    ]
    for shape in shapes[category][:6]:
        corners = shape.vertices[shape.faces].astype(float)
        points = np.array(list(shape.keypoints.values()))
        assert len(points) >= 8
        distances = dict(zip(shape.keypoints, point_triangle_distance(points, corners), strict=True))
        assert max(distances.values()) < 0.004, distances
        for name, point in shape.keypoints.items():
            assert any(is_free(point, direction, corners) for direction in directions), name


@pytest.mark.parametrize("category", CATEGORIES)
def test_names_of_the_left_side_have_negative_x_and_mirror_the_right(shapes, category):
    for shape in shapes[category]:
        pairs = [name for name in shape.keypoints if "left" in name]
        assert pairs
        for name in pairs:
            left, right = shape.keypoints[name], shape.keypoints[name.replace("left", "right")]
            assert left[0] < -0.01
            np.testing.assert_allclose(left * [-1, 1, 1], right, atol=1e-9)
        for name in shape.keypoints.keys() - {name for side in pairs for name in (side, side.replace("left", "right"))}:
            assert abs(shape.keypoints[name][0]) < 1e-9


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_surface_is_mirror_symmetric(shapes, category):
    for seed, shape in enumerate(shapes[category][:4]):
        corners = shape.vertices[shape.faces].astype(float)
        rng = np.random.default_rng(seed)
        weights = rng.dirichlet(np.ones(3), 40)
        chosen = rng.choice(len(corners), 40, replace=False)
        points = (weights[:, :, None] * corners[chosen]).sum(axis=1)
        assert point_triangle_distance(points * [-1, 1, 1], corners).max() < 1e-5


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_seed_gives_the_same_bytes_and_another_seed_another_instance(shapes, category):
    first = shapes[category][3]
    again = make_shape(category, np.random.default_rng(3))
    for one, other in zip(first[:3], again[:3], strict=True):
        assert one.tobytes() == other.tobytes()
    assert all(np.array_equal(first.keypoints[name], again.keypoints[name]) for name in first.keypoints)
    extents = np.array([np.ptp(shape.vertices, axis=0) for shape in shapes[category]])
    assert len(np.unique(extents.round(4), axis=0)) == len(SEEDS)
    assert extents.std(axis=0).max() > 0.01
    assert len({len(shape.faces) for shape in shapes[category]}) > 1, "no optional parts"
    colours = [tuple(shape.face_colours.mean(axis=0).round(3)) for shape in shapes[category]]
    assert len(set(colours)) == len(SEEDS)


def signed_volume(vertices, faces):
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    return float((np.cross(a, b) * c).sum() / 6)


def test_primitives_have_the_volumes_of_their_solids():
    assert signed_volume(*box((-1, 0, 2), (1, 3, 4))) == pytest.approx(12)
    assert signed_volume(*cylinder((0, 0, 0), (3, 4, 0), 0.5, sides=64)) == pytest.approx(np.pi * 0.25 * 5, rel=0.01)
    assert signed_volume(*ellipsoid((1, 2, 3), (1, 2, 3), sides=48, rings=40)) == pytest.approx(8 * np.pi, rel=0.02)
    ring = torus((1, 0, 0), (1, 0, 0), 2.0, 0.5, segments=64, sides=48)
    assert signed_volume(*ring) == pytest.approx(2 * np.pi**2 * 2 * 0.25, rel=0.01)
    bar = tube([(0, 0, 0), (0, 0, 1), (0, 0, 4)], 0.1, sides=64)
    assert signed_volume(*bar) == pytest.approx(np.pi * 0.01 * 4, rel=0.01)


def test_a_loft_is_outward_whichever_way_its_rings_run():
    square = np.array([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)], float)
    for rings in ([square, square + [0, 0, 2]], [square[::-1], square[::-1] + [0, 0, 2]]):
        assert signed_volume(*loft(rings)) == pytest.approx(2)


def test_subdivision_keeps_the_surface_closed_and_remembers_the_origin():
    vertices, faces = box((0, 0, 0), (1, 2, 3))
    fine, fine_faces, origin = subdivide(vertices, faces, 0.4)
    corners = fine[fine_faces]
    assert np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max() <= 0.4
    assert signed_volume(fine, fine_faces) == pytest.approx(6)
    directed = np.concatenate([fine_faces[:, [i, (i + 1) % 3]] for i in range(3)])
    assert set(map(tuple, directed.tolist())) == {(b, a) for a, b in directed.tolist()}
    assert len(np.unique(fine, axis=0)) == len(fine)

    def areas(points, triangles):
        a, b, c = (points[triangles[:, i]] for i in range(3))
        return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2

    np.testing.assert_allclose(np.bincount(origin, areas(fine, fine_faces)), areas(vertices, faces))
