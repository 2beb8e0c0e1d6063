"""Crops: the maps are inverses, and sampled pixels lie where the maps say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.photographs.crops import Crop, from_crop, sample_crop, square_crop, to_crop
from pipeline.photographs.records import Box


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(1, 500))
def test_maps_are_inverses(x0, y0, side):
    crop = Crop(x0, y0, side)
    points = np.array([[0.0, 0.0], [13.5, -7.25], [400.0, 3.0]])
    np.testing.assert_allclose(from_crop(to_crop(points, crop), crop), points, atol=1e-9)


def test_square_crop_is_centred_with_margin():
    assert square_crop(Box(10, 20, 50, 40), 1.2) == Crop(30 - 24, 30 - 24, 48)


@pytest.mark.parametrize("size", [20, 40, 80])
def test_sampled_ramp_has_the_values_of_its_coordinates(size):
    x, y = np.meshgrid(np.arange(60) + 0.5, np.arange(50) + 0.5)
    image = np.stack([x, y], -1).astype(np.float32)
    crop = Crop(12.0, 7.0, 30.0)
    sampled = sample_crop(image, crop, size)
    centres = (np.arange(size) + 0.5) / size
    inner = slice(size // 8, -size // 8)
    np.testing.assert_allclose(
        sampled[inner, inner, 0], np.tile(from_x(centres, crop), (size, 1))[inner, inner], atol=0.02
    )
    np.testing.assert_allclose(
        sampled[inner, inner, 1].T, np.tile(from_y(centres, crop), (size, 1))[inner, inner], atol=0.02
    )


def from_x(u, crop):
    return crop.x0 + u * crop.side


def from_y(v, crop):
    return crop.y0 + v * crop.side


def test_outside_the_image_is_zero():
    image = np.full((10, 10), 200, np.uint8)
    sampled = sample_crop(image, Crop(-10, -10, 30), 30, smooth=False)
    assert sampled[15, 15] == 200
    assert sampled[5, 15] == sampled[15, 25] == 0
    assert (sampled > 0).sum() == 100
