"""What stands out from the borders of a photograph."""

import cv2
import numpy as np
import pytest

from pipeline.labels.masks.grabcut import GrabCutMasks
from pipeline.labels.masks.standing_out import find_object, nearly_whole
from pipeline.photographs.records import Box, intersection_over_union
from support.tiny import tiny_params


@pytest.fixture
def grabcut():
    return GrabCutMasks(tiny_params().masks.grabcut)


@pytest.mark.parametrize("scale", [1, 6])
def test_a_bright_object_before_a_dark_background_is_found(grabcut, scale):
    image = np.random.default_rng(0).integers(20, 60, (90 * scale, 120 * scale, 3), dtype=np.uint8)
    cv2.rectangle(image, (40 * scale, 30 * scale), (90 * scale, 60 * scale), (230, 180, 60), -1)
    found = find_object(image, grabcut)
    assert found is not None
    assert intersection_over_union(found, Box(*(float(scale * edge) for edge in (40, 30, 91, 61)))) > 0.85


def test_nothing_stands_out_of_one_colour(grabcut):
    assert find_object(np.full((90, 120, 3), 128, np.uint8), grabcut) is None


def test_nearly_the_whole_photograph_leaves_a_frame():
    assert nearly_whole(100, 50) == Box(2.0, 2.0, 98.0, 48.0)
    assert nearly_whole(10, 8) == Box(1.0, 1.0, 9.0, 7.0)
