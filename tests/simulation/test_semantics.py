import numpy as np
import pytest

from pipeline.config.categories import CATEGORIES
from pipeline.simulation.semantics import mean_keypoints, semantic_coordinates
from pipeline.simulation.shapes import make_shape
from pipeline.simulation.shapes.primitives import box
from pipeline.simulation.shapes.shape import normalised


def shapes_of(category, count=8):
    return [make_shape(category, np.random.default_rng(seed)) for seed in range(count)]


def with_vertices_at_keypoints(shape):
    """The shape whose last vertices are its keypoints (they belong to no face)."""
    points = np.array(list(shape.keypoints.values()), np.float32)
    return shape._replace(vertices=np.concatenate([shape.vertices, points]))


def block(keypoints, size=(1.0, 2.0, 3.0)):
    half = np.array(size) / 2
    vertices, faces = box(-half, half)
    return normalised(vertices, faces, np.zeros((len(faces), 3)), {k: np.array(v) for k, v in keypoints.items()})


@pytest.mark.parametrize("category", CATEGORIES)
def test_keypoints_of_an_instance_have_the_coordinates_of_the_mean_keypoints(category):
    shapes = shapes_of(category)
    mean = mean_keypoints(shapes)
    for shape in shapes[:3]:
        coordinates = semantic_coordinates(with_vertices_at_keypoints(shape), mean)[-len(shape.keypoints) :]
        expected = np.array([mean.points[name] for name in shape.keypoints])
        np.testing.assert_allclose(coordinates, expected, atol=1e-4)


@pytest.mark.parametrize("category", CATEGORIES)
def test_coordinates_are_bounded_smooth_and_mirror_symmetric(category):
    shapes = shapes_of(category)
    mean = mean_keypoints(shapes)
    for shape in shapes[:4]:
        coordinates = semantic_coordinates(shape, mean)
        assert coordinates.shape == shape.vertices.shape
        assert coordinates.dtype == np.float32
        assert np.abs(coordinates).max() < 1.0
        edges = np.concatenate([shape.faces[:, [i, (i + 1) % 3]] for i in range(3)])
        lengths = np.linalg.norm(np.diff(shape.vertices[edges], axis=1)[:, 0], axis=1)
        stretched = np.linalg.norm(np.diff(coordinates[edges], axis=1)[:, 0], axis=1)
        assert np.all(stretched < 6 * lengths + 0.02)
        mirrored = shape._replace(vertices=shape.vertices * np.array([-1, 1, 1], np.float32))
        np.testing.assert_allclose(semantic_coordinates(mirrored, mean), coordinates * [-1, 1, 1], atol=1e-4)


def test_held_out_keypoints_come_nearer_to_the_mean_than_without_the_warp():
    warped, plain = [], []
    for category in CATEGORIES:
        shapes = shapes_of(category)
        mean = mean_keypoints(shapes)
        for shape in shapes[:4]:
            for name, point in shape.keypoints.items():
                others = {key: value for key, value in shape.keypoints.items() if key != name}
                probe = np.concatenate([shape.vertices[::20], [shape.vertices.min(0), shape.vertices.max(0), point]])
                rest = shape._replace(keypoints=others, vertices=probe.astype(np.float32))
                warped.append(np.linalg.norm(semantic_coordinates(rest, mean)[-1] - mean.points[name]))
                plain.append(np.linalg.norm(point - mean.points[name]))
    assert np.mean(warped) < 0.8 * np.mean(plain)


def test_a_shape_that_is_the_mean_keeps_its_own_coordinates():
    shape = make_shape("chair", np.random.default_rng(1))
    np.testing.assert_allclose(semantic_coordinates(shape, mean_keypoints([shape])), shape.vertices, atol=1e-5)


def test_without_keypoints_the_box_is_mapped_to_the_mean_box():
    shapes = [block({}, (1.0, 2.0, 3.0)), block({}, (1.4, 1.7, 2.5))]
    mean = mean_keypoints(shapes)
    extents = np.array([np.ptp(shape.vertices, axis=0) for shape in shapes])
    coordinates = semantic_coordinates(shapes[0], mean)
    np.testing.assert_allclose(coordinates, shapes[0].vertices * extents.mean(axis=0) / extents[0], atol=1e-6)


def test_one_keypoint_moves_the_whole_shape():
    shapes = [block({"mark": (0.0, 1.0, 0.5)}), block({"mark": (0.0, 1.0, -0.5)})]
    mean = mean_keypoints(shapes)
    shift = mean.points["mark"] - shapes[0].keypoints["mark"]
    np.testing.assert_allclose(semantic_coordinates(shapes[0], mean), shapes[0].vertices + shift, atol=1e-6)


def test_a_flat_shape_has_coordinates():
    shape = make_shape("chair", np.random.default_rng(0))
    flat = shape._replace(vertices=shape.vertices * np.array([1, 0, 1], np.float32))
    assert np.isfinite(semantic_coordinates(flat, mean_keypoints([shape, flat]))).all()


def test_keypoints_in_one_plane_do_not_break_the_warp():
    flat = {f"k{i}": (x, y, 0.0) for i, (x, y) in enumerate([(0.5, 1), (-0.5, 1), (0.5, -1), (-0.5, -1), (0.5, 0)])}
    shapes = [block(flat, (1.0, 2.0, 3.0)), block(flat, (1.0, 2.0, 2.0))]
    coordinates = semantic_coordinates(shapes[0], mean_keypoints(shapes))
    assert np.isfinite(coordinates).all()
    assert np.ptp(coordinates[:, 2]) > 0.3


def test_keypoints_at_the_same_place_count_once():
    shape = block({"a": (0.5, 1, 1.5), "b": (0.5, 1, 1.5), "c": (-0.5, 1, 0), "d": (0, -1, 0), "e": (0, 0, -1.5)})
    assert np.isfinite(semantic_coordinates(shape, mean_keypoints([shape]))).all()


def test_the_mean_is_taken_over_the_shapes_that_have_a_keypoint():
    with_mast, without = (
        block({"mast": (0, 0, 1.0), "bow": (0, -1.0, 0)}),
        block({"bow": (0, -1.0, 0)}, (1.0, 2.0, 2.0)),
    )
    mean = mean_keypoints([with_mast, without])
    np.testing.assert_allclose(mean.points["mast"], with_mast.keypoints["mast"])
    np.testing.assert_allclose(mean.points["bow"], (with_mast.keypoints["bow"] + without.keypoints["bow"]) / 2)
    with pytest.raises(ValueError, match="no"):
        mean_keypoints([])
