"""Which points of a photograph can be clicked."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.gallery.points import GRID, annotated_keypoints, clickable, spread_out
from pipeline.photographs.crops import Crop
from pipeline.photographs.records import Box, Pair
from pipeline.prediction.projection import Projection


def farthest(positions, count):
    """The same by all distances, one vertex after the other."""
    chosen = [int(np.linalg.norm(positions - positions.mean(0), axis=1).argmax())]
    while len(chosen) < min(count, len(positions)):
        apart = [min(np.linalg.norm(position - positions[other]) for other in chosen) for position in positions]
        chosen.append(int(np.argmax(apart)))
    return chosen


@given(st.integers(1, 12), st.integers(1, 15), st.integers(0, 2**32 - 1))
def test_vertices_lie_as_far_apart_as_the_slow_reference_says(vertices, count, seed):
    positions = np.random.default_rng(seed).normal(size=(vertices, 3))
    assert spread_out(positions, count).tolist() == farthest(positions, count)
    assert spread_out(positions, 0).tolist() == []


def test_keypoints_come_from_both_images_of_a_pair():
    one = Pair("car", "a", "b", ("x", "y"), np.eye(2), 2 * np.eye(2), Box(0, 0, 1, 1), Box(0, 0, 1, 1), 0)
    other = Pair("car", "b", "c", ("z",), np.ones((1, 2)), np.zeros((1, 2)), Box(0, 0, 1, 1), Box(0, 0, 1, 1), 0)
    found = annotated_keypoints([one, other])
    assert {name: sorted(points) for name, points in found.items()} == {
        "a": ["x", "y"],
        "b": ["x", "y", "z"],
        "c": ["z"],
    }
    assert np.array_equal(found["b"]["y"], [0, 2])


def test_keypoints_come_first_then_vertices_that_are_seen_in_the_crop():
    mesh = Projection(
        torch.tensor([[0.5, 0.5], [0.2, 0.4], [1.2, 0.4], [0.9, 0.1]]),
        torch.tensor([True, False, True, True]),
        torch.eye(3),
    )
    crop = Crop(10.0, 20.0, 100.0)
    points = clickable({"b": np.array([60.0, 70.0]), "a": np.array([10.0, 20.0])}, crop, mesh, np.arange(4))
    assert points.keypoints == ("a", "b")
    np.testing.assert_allclose(points.places, [[0, 0], [0.5, 0.5], [0.5, 0.5], [0.9, 0.1]], atol=1e-6)


def test_a_grid_is_clicked_where_nothing_is_known():
    points = clickable({}, Crop(10.0, 20.0, 100.0), None, np.zeros(0, np.int64))
    assert points.keypoints == () and len({tuple(place) for place in points.places}) == GRID**2
    assert (points.places > 0.1).all() and (points.places < 0.9).all()
