"""Mask IoU against sets of pixels, and its extremes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation.silhouette import mask_iou

PIXELS = st.sets(st.tuples(st.integers(0, 3), st.integers(0, 4)))


def draw(pixels):
    mask = np.zeros((4, 5), dtype=bool)
    for pixel in pixels:
        mask[pixel] = True
    return mask


@given(PIXELS, PIXELS)
def test_iou_against_sets(a, b):
    expected = len(a & b) / len(a | b) if a | b else 1.0
    assert mask_iou(draw(a), draw(b)) == mask_iou(draw(b), draw(a)) == expected


@given(PIXELS, PIXELS)
def test_only_equal_masks_have_an_iou_of_one_and_only_separate_ones_of_zero(a, b):
    assert (mask_iou(draw(a), draw(b)) == 1) == (a == b)
    assert (mask_iou(draw(a), draw(b)) == 0) == (bool(a | b) and not a & b)


def test_iou_by_hand():
    """Two columns of ten and the three beside and upon them: one in common, four together."""
    a, b = np.zeros((2, 10, 10), dtype=bool)
    a[:, 2:4], b[:, 3:6] = True, True
    assert mask_iou(a, b) == 0.25
    assert mask_iou(a, ~a) == 0


@pytest.mark.parametrize("shape", [(6, 6), (0, 0)])
def test_two_empty_masks_are_equal_and_an_empty_prediction_of_an_object_is_wrong(shape):
    empty = np.zeros(shape, dtype=bool)
    assert mask_iou(empty, empty) == 1
    assert mask_iou(np.zeros((6, 6), dtype=bool), np.ones((6, 6), dtype=bool)) == 0
