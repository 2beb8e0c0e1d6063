"""Photographs of one's own: upright whatever the camera wrote, and a clear word where a file is none."""

import sys

import numpy as np
import pytest
from PIL import Image, ImageOps

from pipeline.base.errors import InputError
from pipeline.photographs.upright import ORIENTATION, read_upright


@pytest.fixture
def picture():
    """Smooth, so that JPEG and WebP hardly change it, and without symmetry."""
    y, x = np.mgrid[:40, :60]
    return Image.fromarray(np.stack([4 * x, 6 * y, 2 * x + 3 * y], -1).astype(np.uint8))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_the_mark_of_the_camera_is_obeyed(picture, tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = tmp_path / f"turned.{suffix}"
    picture.save(path, exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(path)))
    found = read_upright(path)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found.astype(int), expected.astype(int), atol=2)


def test_formats_and_depths_of_colour_become_rgb_of_8_bits(picture, tmp_path):
    grey = picture.convert("L")
    grey16 = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    made = {
        "sixteen.png": (grey16, grey, 1),
        "cmyk.jpg": (picture.convert("CMYK"), picture, 12),
        "photo.webp": (picture, picture, 12),
        "scan.tiff": (picture, picture, 0),
        "alpha.png": (picture.convert("RGBA"), picture, 0),
        "palette.png": (picture.quantize(256), picture, 30),
    }
    for name, (image, expected, tolerance) in made.items():
        image.save(tmp_path / name)
        found = read_upright(tmp_path / name)
        assert found.dtype == np.uint8, name
        np.testing.assert_allclose(found.astype(int), np.asarray(expected.convert("RGB")), atol=tolerance, err_msg=name)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("film.mp4", b"\0\0\0\x18ftypmp42" + bytes(100), "found a video. Save one picture"),
        ("film.jpg", b"\x1aE\xdf\xa3" + bytes(100), "found a video"),
        ("film.avi", b"RIFF\0\0\0\0AVI " + bytes(100), "found a video"),
        ("moving.gif", b"GIF89a" + bytes(100), "found a GIF"),
        ("notes.txt", b"no picture at all", "expected a readable image"),
        ("empty.jpg", b"", "expected a readable image"),
    ],
)
def test_other_files_are_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name}: .*{message}|{message}"):
        read_upright(tmp_path / name)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"missing\.jpg: expected an image file, found none"):
        read_upright(tmp_path / "missing.jpg")


def test_heic_needs_its_library(tmp_path, monkeypatch):
    path = tmp_path / "phone.HEIC"
    path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(
        InputError, match=r"phone\.HEIC: expected a format that is read without .*pip install pillow-heif"
    ):
        read_upright(path)


def test_a_torn_heic_is_named(tmp_path):
    pytest.importorskip("pillow_heif")
    path = tmp_path / "phone.HEIC"
    path.write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    with pytest.raises(InputError, match=r"phone\.HEIC: expected a readable HEIC"):
        read_upright(path)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_photographs_of_a_phone_are_upright(picture, tmp_path, orientation):
    """Their container says how they are turned, beside the camera's mark."""
    heif = pytest.importorskip("pillow_heif")
    path = tmp_path / "phone.heic"
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    heif.from_pillow(picture).save(path, quality=95, exif=exif.tobytes())
    upright = picture.copy()
    upright.getexif()[ORIENTATION] = orientation
    expected = np.asarray(ImageOps.exif_transpose(upright))
    found = read_upright(path)
    assert found.dtype == np.uint8 and found.shape == expected.shape
    assert np.abs(found.astype(int) - expected).mean() < 3
