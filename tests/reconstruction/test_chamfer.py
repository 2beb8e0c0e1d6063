"""Chamfer distance against a loop and by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.reconstruction.chamfer import chamfer_distance, normalised_chamfer
from support.solids import SEEDS


@given(SEEDS, st.integers(1, 25), st.integers(1, 25))
def test_chamfer_against_a_loop(seed, n, m):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(n, 3)), rng.normal(size=(m, 3))
    forward = sum(min(math.dist(p, q) for q in b) for p in a) / n
    backward = sum(min(math.dist(p, q) for p in a) for q in b) / m
    assert chamfer_distance(a, b) == pytest.approx((forward + backward) / 2, rel=1e-12)
    assert chamfer_distance(b, a) == pytest.approx(chamfer_distance(a, b), rel=1e-12)
    assert normalised_chamfer(a, b, 4.0) == pytest.approx(25 * chamfer_distance(a, b))


def test_chamfer_averages_each_direction_by_its_own_count():
    """One point 1 away from the nearest of two, which are 1 and 3 away from it: 0.5 (1 + 2)."""
    assert chamfer_distance(np.zeros((1, 3)), np.array([[1.0, 0, 0], [0, 3, 0]])) == pytest.approx(1.5)


def test_chamfer_of_nothing_is_an_error():
    with pytest.raises(InputError, match="both sets"):
        chamfer_distance(np.zeros((0, 3)), np.zeros((2, 3)))
