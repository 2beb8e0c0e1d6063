"""Masks as people's programs write them: read as they are meant, or refused with what was found."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pipeline.base.errors import InputError
from pipeline.data.drawn_masks import read_drawn_mask
from support.photographs import ellipse

OBJECT = ellipse()
WHITE = OBJECT.astype(np.uint8) * 255
SOFT = cv2.GaussianBlur(WHITE, (0, 0), 3)
PALETTE = [0, 0, 0, 128, 0, 0, 255, 255, 255, 224, 224, 192]
"""Black, the dark red of PASCAL VOC's first object, white, and VOC's outline."""


def with_palette(indices: np.ndarray) -> Image.Image:
    image = Image.new("P", indices.shape[::-1])
    image.putdata(indices.ravel().tolist())
    image.putpalette(PALETTE)
    return image


def as_is(mode: str) -> Callable[[Path], None]:
    return lambda path: Image.fromarray(WHITE).convert(mode).save(path)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("grey.png", as_is("L")),
        ("bits.png", as_is("1")),
        ("colour.png", as_is("RGB")),
        ("opaque.png", as_is("RGBA")),
        ("grey and opaque.png", as_is("LA")),
        ("grey.bmp", as_is("L")),
        ("bits.tif", as_is("1")),
        ("16 bits.png", lambda path: Image.fromarray(WHITE.astype(np.uint16) * 257).save(path)),
        ("palette.png", lambda path: with_palette(OBJECT * 2).save(path)),
        ("few bits.png", lambda path: with_palette(OBJECT * 2).save(path, bits=2)),
        ("turned.png", lambda path: Image.fromarray(WHITE).save(path, exif=orientation(3))),
    ],
)
def test_black_and_white_is_read_from_any_kind_of_file(
    tmp_path: Path, name: str, write: Callable[[Path], None]
) -> None:
    write(tmp_path / name)
    np.testing.assert_array_equal(read_drawn_mask(tmp_path / name), OBJECT)


def orientation(mark: int) -> Image.Exif:
    exif = Image.Exif()
    exif[274] = mark
    return exif


@pytest.mark.parametrize(("mode", "mark"), [("L", 1), ("RGB", 1), ("L", 3), ("L", 6), ("RGB", 8)])
def test_jpeg_is_read_as_its_pixels_are_stored(tmp_path: Path, mode: str, mark: int) -> None:
    """As photographs are; the mark of the camera says how to show the picture."""
    Image.fromarray(WHITE).convert(mode).save(tmp_path / "a.jpg", quality=60, exif=orientation(mark))
    assert (read_drawn_mask(tmp_path / "a.jpg") == OBJECT).mean() > 0.995


def test_soft_edges_are_cut_in_the_middle(tmp_path: Path) -> None:
    Image.fromarray(SOFT).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_drawn_mask(tmp_path / "a.png"), SOFT > 127)


PHOTOGRAPH = np.random.default_rng(0).integers(0, 256, (90, 120, 3)).astype(np.uint8)
CUT_OUT = np.dstack([PHOTOGRAPH, WHITE])


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (Image.fromarray(PHOTOGRAPH), "coloured pixels"),
        (Image.fromarray(CUT_OUT), "transparent pixels"),
        (Image.fromarray(np.dstack([np.full((90, 120, 3), 255, np.uint8), WHITE])), "transparent pixels"),
        (Image.fromarray(np.dstack([WHITE, WHITE])), "transparent pixels"),
        (with_palette(OBJECT * 1), "coloured pixels"),
        (with_palette(np.where(OBJECT, 2, 3)), "coloured pixels"),
        (Image.fromarray(OBJECT.astype(np.uint8)), "nothing brighter than 1 of 255"),
        (Image.fromarray(OBJECT.astype(np.uint8) * 128), "nothing brighter than 128 of 255"),
        (Image.fromarray(WHITE.astype(np.uint16)), "nothing brighter than 255 of 65535"),
        (Image.fromarray(np.where(OBJECT, 150, 0).astype(np.uint8) | np.uint8(1)), "nothing brighter than 151"),
        (Image.fromarray(np.tile(np.linspace(0, 255, 120).astype(np.uint8), (90, 1))), "50% of the pixels in shades"),
    ],
)
def test_what_is_not_black_and_white_is_refused(tmp_path: Path, image: Image.Image, found: str) -> None:
    image.save(tmp_path / "a.png")
    with pytest.raises(InputError, match=rf"^{tmp_path}/a\.png: expected a mask that is white.*found {found}.*8 bits"):
        read_drawn_mask(tmp_path / "a.png")


@pytest.mark.parametrize("values", [OBJECT.astype(np.float32), OBJECT.astype(np.int32) * 255])
def test_wide_numbers_are_refused(tmp_path: Path, values: np.ndarray) -> None:
    Image.fromarray(values).save(tmp_path / "a.tif")
    with pytest.raises(InputError, match=rf"^{tmp_path}/a\.tif: expected "):
        read_drawn_mask(tmp_path / "a.tif")


def test_black_mask_is_left_to_its_reader(tmp_path: Path) -> None:
    Image.fromarray(np.zeros_like(WHITE)).save(tmp_path / "a.png")
    assert not read_drawn_mask(tmp_path / "a.png").any()


@given(st.integers(0, 2**32 - 1))
def test_any_mask_comes_back(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random(rng.integers(1, 12, 2)) < rng.random()
    path = tmp_path_factory.getbasetemp() / "any mask.png"
    Image.fromarray(mask.astype(np.uint8) * 255).save(path)
    np.testing.assert_array_equal(read_drawn_mask(path), mask)
