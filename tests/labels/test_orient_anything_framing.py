"""Framing: where an object drawn in a photograph lands in the square, and what is around it."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.base.errors import InputError
from pipeline.labels.poses.orient_anything.framing import frame_object
from pipeline.photographs.photo import Photo
from pipeline.pretrained import pixels
from support.photographs import make_instance

SIDE = 200
RED = 200, 30, 10


def drawn(shape: tuple[int, int], rows: slice, columns: slice, name: str = "a") -> tuple[Photo, np.ndarray]:
    """A red rectangle on black and its mask."""
    mask = np.zeros(shape, bool)
    mask[rows, columns] = True
    image = np.where(mask[..., None], np.array(RED, np.uint8), np.uint8(0))
    return Photo(make_instance(name), image, Path(name)), mask


def framed(photo: Photo, mask: np.ndarray, foreground: float = 0.85, side: int = SIDE) -> np.ndarray:
    """Rows, columns, channels."""
    result = frame_object(photo, mask, foreground, side)
    assert result.shape == (3, side, side) and result.dtype == torch.float32
    assert result.min() >= 0 and result.max() <= 1
    return result.permute(1, 2, 0).numpy()


def covered(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns through the centre in which the object's green outweighs white."""
    object_there = image[..., 1] < (1 + RED[1] / 255) / 2
    return np.flatnonzero(object_there[:, SIDE // 2]), np.flatnonzero(object_there[SIDE // 2])


@pytest.mark.parametrize("shape", [(300, 400), (60, 80)])
@pytest.mark.parametrize(("height", "width"), [(50, 50), (20, 50), (50, 20), (49, 20), (31, 50)])
@pytest.mark.parametrize("foreground", [0.85, 0.5])
def test_longer_side_spans_its_share_and_the_aspect_is_kept(shape, height, width, foreground):
    image = framed(*drawn(shape, slice(3, 3 + height), slice(7, 7 + width)), foreground)
    scale = foreground * SIDE / max(height, width)
    for places, extent in zip(covered(image), (height, width), strict=True):
        assert len(places) == pytest.approx(scale * extent, abs=1.5)
        assert (places[0] + places[-1] + 1) / 2 == pytest.approx(SIDE / 2, abs=1)


@pytest.mark.parametrize(("height", "width"), [(90, 50), (20, 300)])
def test_large_object_is_shrunk_first(height, width, monkeypatch):
    drawing = drawn((320, 320), slice(5, 5 + height), slice(7, 7 + width))
    whole = framed(*drawing)
    monkeypatch.setattr(pixels, "LARGEST_SQUARE", 64)
    shrunk = framed(*drawing)
    for found, expected in zip(covered(shrunk), covered(whole), strict=True):
        assert abs(found[[0, -1]] - expected[[0, -1]]).max() <= 6
    assert abs(shrunk - whole).mean() < 0.02


def test_outside_of_the_object_is_white():
    photo, mask = drawn((100, 100), slice(10, 60), slice(20, 40))
    ragged = mask.copy()
    ragged[10:30, 20:30] = False
    image = framed(photo._replace(image=np.full_like(photo.image, 77)), ragged)
    margin = int(SIDE * 0.15 / 2) - 3
    for border in (image[:margin], image[-margin:], image[:, :margin], image[:, -margin:]):
        assert (border == 1).all()
    # The quarter that the mask leaves out of its own box.
    assert (image[SIDE // 2 - 40 : SIDE // 2 - 20, SIDE // 2 - 25 : SIDE // 2 - 10] == 1).all()
    np.testing.assert_allclose(image[SIDE // 2 + 20, SIDE // 2], 77 / 255, atol=1e-6)


def test_object_keeps_its_colours_and_its_orientation():
    photo, mask = drawn((90, 120), slice(10, 70), slice(30, 90))
    photo.image[10:40, 30:60] = 255, 0, 0
    photo.image[10:40, 60:90] = 0, 255, 0
    photo.image[40:70, 30:60] = 0, 0, 255
    image, low, high = framed(photo, mask), SIDE // 4, 3 * SIDE // 4
    np.testing.assert_allclose(image[low, low], [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(image[low, high], [0, 1, 0], atol=1e-6)
    np.testing.assert_allclose(image[high, low], [0, 0, 1], atol=1e-6)
    np.testing.assert_allclose(image[high, high], np.array(RED) / 255, atol=1e-6)


def test_last_row_and_column_are_kept():
    """Of 4 x 4 pixels enlarged 42.5 times, each must fill its block."""
    photo, mask = drawn((10, 10), slice(2, 6), slice(3, 7))
    photo.image[5, 3:7] = 0, 0, 255
    photo.image[2:6, 6] = 0, 255, 0
    image, cell, start = framed(photo, mask), 0.85 * SIDE / 4, 0.075 * SIDE
    middle = [int(start + (i + 0.5) * cell) for i in range(4)]
    for i in range(3):
        assert image[middle[3], middle[i]].argmax() == 2
        assert image[middle[i], middle[3]].argmax() == 1
        assert image[middle[i], middle[2]].argmax() == 0


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (slice(0, 20), slice(0, 30)),
        (slice(40, 60), slice(50, 80)),
        (slice(0, 60), slice(0, 80)),
        (slice(0, 60), slice(35, 40)),
    ],
)
def test_masks_at_the_border_of_the_photograph(rows, columns):
    """The same rectangle in a larger photograph gives the same square."""
    photo, mask = drawn((60, 80), rows, columns)
    inner = drawn((160, 180), *(slice(s.start + 50, s.stop + 50) for s in (rows, columns)))
    np.testing.assert_array_equal(framed(photo, mask), framed(*inner))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 2), (2, 1), (1, 9)])
def test_tiny_masks_span_their_share_too(height, width):
    """Within what the bicubic kernel blurs: its half width at half height is 0.55 of a pixel of the photograph."""
    image = framed(*drawn((40, 40), slice(5, 5 + height), slice(8, 8 + width)))
    pixel = 0.85 * SIDE / max(height, width)
    for places, extent in zip(covered(image), (height, width), strict=True):
        assert len(places) == pytest.approx(extent * pixel, abs=0.2 * pixel)
        assert (places[0] + places[-1] + 1) / 2 == pytest.approx(SIDE / 2, abs=1)


def test_reduction_is_antialiased():
    """Fine stripes of black and white become grey, not black or white."""
    photo, mask = drawn((400, 400), slice(0, 400), slice(0, 400))
    photo.image[:] = (np.arange(400) % 2 * 255).astype(np.uint8)[None, :, None]
    inside = framed(photo, mask, side=40)[8:-8, 8:-8]
    np.testing.assert_allclose(inside, 0.5, atol=0.06)


def test_pixels_outside_the_mask_do_not_matter():
    photo, mask = drawn((60, 80), slice(10, 40), slice(20, 70))
    noise = np.random.default_rng(0).integers(0, 256, photo.image.shape).astype(np.uint8)
    other = photo._replace(image=np.where(mask[..., None], photo.image, noise))
    np.testing.assert_array_equal(framed(photo, mask), framed(other, mask))


def test_empty_mask_names_the_instance():
    photo, mask = drawn((60, 80), slice(0, 0), slice(0, 0), "n0001")
    with pytest.raises(InputError, match="'car/n0001': expected a mask that marks the object, found an empty one"):
        frame_object(photo, mask, 0.85, SIDE)


def test_mask_of_another_size_names_the_instance():
    photo, _ = drawn((60, 80), slice(0, 10), slice(0, 10), "n0001")
    with pytest.raises(InputError, match="'car/n0001'.*60 rows and 80 columns; found 80 and 60"):
        frame_object(photo, np.ones((80, 60), bool), 0.85, SIDE)
