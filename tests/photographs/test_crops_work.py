"""Crops of large photographs: the work is bounded, and the pixels are those of smoothing the whole photograph."""

import time

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.photographs.crops import COARSEST, Crop, sample_crop


def reference(image, crop, size):
    """The crop of the whole image, smoothed: slow and obvious."""
    scale = crop.side / size
    if scale > 1:
        image = cv2.GaussianBlur(image, (0, 0), 0.5 * np.sqrt(scale**2 - 1) + 1e-6)
    shift = 0.5 * scale - 0.5
    matrix = np.array([[scale, 0, crop.x0 + shift], [0, scale, crop.y0 + shift]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix, (size, size), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=0)


SIDES = st.integers(1, 300)
PLACES = st.floats(-100, 300)


@settings(max_examples=60)
@given(
    shape=st.one_of(st.tuples(SIDES, SIDES), st.tuples(SIDES, SIDES, st.integers(2, 4))),
    floats=st.booleans(),
    place=st.tuples(PLACES, PLACES, st.floats(1, 400)),
    size=st.sampled_from([8, 37, 64, 128]),
)
def test_the_pixels_are_those_of_smoothing_the_whole_image(shape, floats, place, size):
    crop = Crop(*place)
    if crop.side / size > COARSEST:
        size = int(crop.side / COARSEST) + 1
    image = (np.random.default_rng(0).random(shape) * 255).astype(np.float32 if floats else np.uint8)
    np.testing.assert_array_equal(sample_crop(image, crop, size), reference(image, crop, size))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_a_very_coarse_crop_looks_as_if_the_whole_image_were_smoothed(dtype):
    y, x = np.mgrid[:400, :500]
    image = np.stack([127 + 100 * np.sin(x / 30), 127 + 100 * np.cos(y / 25), 0.2 * (x + y)], -1).astype(dtype)
    for crop in (Crop(30.5, 10.2, 370.0), Crop(-100.0, -70.0, 640.0), Crop(230.0, 200.0, 300.0)):
        found, expected = (function(image, crop, 12).astype(float) for function in (sample_crop, reference))
        assert np.abs(found - expected).mean() < 2


def test_what_lies_outside_stays_zero_in_a_very_coarse_crop():
    image = np.full((800, 800), 200, np.uint8)
    found = sample_crop(image, Crop(-800, -800, 2400), 48)
    assert (found[18:30, 18:30] == 200).all()
    assert not found[:14].any() and not found[34:].any() and not found[:, :14].any()
    assert not sample_crop(image, Crop(5000, 5000, 2400), 48).any()


def test_a_photograph_of_24_megapixels_takes_no_longer_than_its_crop():
    image = np.zeros((4000, 6000, 3), np.uint8)
    start = time.process_time()
    sample_crop(image, Crop(0, 0, 6000), 128)
    sample_crop(image, Crop(3000, 2000, 300), 128)
    assert time.process_time() - start < 2
