"""The masks that a training compares silhouettes with."""

import numpy as np
import pytest

from pipeline.photographs.crops import Crop, sample_crop
from pipeline.training.loading import crop_mask


def wheel(cut: int = 0) -> np.ndarray:
    """A ring with two spokes, and a cut of some pixels through its border."""
    y, x = np.mgrid[:120, :120] - 59.5
    radius = np.hypot(x, y)
    label = (radius < 50) & ((radius > 42) | (np.abs(x) < 2) | (np.abs(y) < 2))
    label[:20, 30 : 30 + cut] = False
    return label


@pytest.mark.parametrize("cut", [0, 1])
def test_a_wheel_becomes_a_disc_where_holes_are_filled(cut):
    crop, size = Crop(0, 0, 120), 24
    y, x = (np.mgrid[:size, :size] + 0.5) * 5 - 60
    filled = crop_mask(wheel(cut), crop, size, fill_holes=True)
    assert (filled[np.hypot(x, y) < 42] > 0.99).all()
    assert (filled[np.hypot(x, y) > 60] < 0.02).all()


def test_other_masks_stay_as_they_are():
    crop = Crop(0, 0, 120)
    label = np.zeros((120, 120), bool)
    label[20:60, 30:100] = label[60:120, 30:40] = label[60:120, 90:100] = True
    kept = crop_mask(label, crop, 24, fill_holes=True)
    assert np.array_equal(kept, crop_mask(label, crop, 24, fill_holes=False))
    assert np.array_equal(kept, sample_crop(label.astype(np.float32), crop, 24))
    # What is seen below a seat is open to the ground, and no hole.
    assert kept[16, 12] < 0.01
    hollow = crop_mask(wheel(), crop, 24, fill_holes=False)
    assert np.array_equal(hollow, sample_crop(wheel().astype(np.float32), crop, 24))
