"""PCK against a few independent lines, its boundary, and a pair counted by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.evaluation.pck import Pck, is_correct, keypoint_errors, longer_side, pck
from pipeline.photographs.records import Box

COORDINATE = st.integers(-50, 300)
POINTS = st.lists(st.tuples(COORDINATE, COORDINATE, COORDINATE, COORDINATE), min_size=1, max_size=8)
PAIRS = st.lists(st.tuples(POINTS, st.integers(1, 300), st.integers(1, 300)), min_size=1, max_size=6)


def reference(pairs, alpha):
    """hpf in plain Python: shares for each pair, and the pool."""
    shares, pool = [], []
    for points, width, height in pairs:
        hits = [math.hypot(px - tx, py - ty) <= alpha * max(width, height) for px, py, tx, ty in points]
        shares.append(sum(hits) / len(hits))
        pool += hits
    return sum(shares) / len(shares), sum(pool) / len(pool)


def scored(pairs, alpha):
    correct = []
    for points, width, height in pairs:
        array = np.array(points, dtype=np.float64)
        side = longer_side(Box(10.0, 20.0, 10.0 + width, 20.0 + height))
        errors = keypoint_errors(array[:, :2], array[:, 2:])
        correct.append(is_correct(errors, np.full(len(errors), side), alpha))
    return pck(np.concatenate(correct), np.array([len(c) for c in correct]))


@given(PAIRS, st.sampled_from([0.05, 0.1, 0.15, 0.2]))
def test_pck_against_the_reference(pairs, alpha):
    np.testing.assert_allclose(scored(pairs, alpha), reference(pairs, alpha), rtol=1e-12)


@given(st.integers(1, 40), st.booleans(), COORDINATE, COORDINATE)
def test_the_boundary_is_correct_and_a_hair_beyond_it_is_not(k, wide, x, y):
    """(3k, 4k) is exactly 5k away, which is 0.1 times 50k."""
    width, height = (50 * k, k) if wide else (k, 50 * k)
    on = (x + 3 * k, y + 4 * k, x, y)
    assert scored([([on], width, height)], 0.1) == Pck(1.0, 1.0)
    errors = keypoint_errors(np.array([on[:2]]) + [0.0, 1e-6], np.array([on[2:]], dtype=float))
    assert not is_correct(errors, np.array([50.0 * k]), 0.1).any()


def test_the_longer_side_of_the_target_counts():
    assert longer_side(Box(0.0, 0.0, 30.0, 70.0)) == 70
    assert longer_side(Box(10.0, 5.0, 90.0, 25.0)) == 80


def test_pairs_and_points_are_averaged_differently():
    """Two pairs: 1 of 1 and 1 of 3 keypoints."""
    result = pck(np.array([True, True, False, False]), np.array([1, 3]))
    assert result == Pck(pytest.approx(2 / 3), 0.5)


def test_a_bus_pair_counted_by_hand():
    """Target box 100 x 60: 10 pixels at alpha 0.1. Errors 0, 10, 10.1, 50 and 6."""
    truth = np.array([[10.0, 10], [20, 20], [30, 30], [40, 40], [50, 50]])
    predicted = truth + [[0.0, 0], [6, 8], [0, 10.1], [30, 40], [-6, 0]]
    errors = keypoint_errors(predicted, truth)
    sides = np.full(5, longer_side(Box(0.0, 0.0, 100.0, 60.0)))
    assert is_correct(errors, sides, 0.1).tolist() == [True, True, False, False, True]
    assert is_correct(errors, sides, 0.05).tolist() == [True, False, False, False, False]


@pytest.mark.parametrize("counts", [[], [1, 0], [0, 1]])
def test_undefined_shares_are_an_error(counts):
    with pytest.raises(InputError, match="keypoints"):
        pck(np.ones(sum(counts), dtype=bool), np.array(counts, dtype=np.int64))
