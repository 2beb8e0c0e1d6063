"""What is seen through an object: the gaps of its foreground, and what they enclose."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.refinement.observer import hollow_patches


def ring(open_at: int | None = None) -> np.ndarray:
    """A square ring, 12 patches wide and one thick, with a gap of two patches in its border if asked for."""
    patches = np.zeros((20, 20), bool)
    patches[4:16, 4:16] = True
    patches[5:15, 5:15] = False
    if open_at is not None:
        patches[4, open_at : open_at + 2] = False
    return patches


def test_the_inside_of_a_ring_is_hollow_and_the_outside_is_not():
    inside = np.zeros((20, 20), bool)
    inside[5:15, 5:15] = True
    assert np.array_equal(hollow_patches(ring(), 3), inside)
    assert not hollow_patches(ring(), 0).any()


def test_a_ring_with_a_gap_is_closed_where_the_gap_is_small_enough():
    assert not hollow_patches(ring(open_at=9), 1)[5:15, 5:15].any()
    found = hollow_patches(ring(open_at=9), 3)
    assert found[5:15, 5:15].all() and found[4, 9:11].all()


@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.integers(0, 7))
def test_nothing_that_is_on_the_object_is_hollow_and_a_solid_object_has_nothing(seed, share, gap):
    foreground = np.random.default_rng(seed).random((12, 12)) < share
    assert not (hollow_patches(foreground, gap) & foreground).any()
    solid = np.zeros((12, 12), bool)
    solid[3:9, 2:7] = True
    assert not hollow_patches(solid, gap).any()
