"""Captions: all of the text is there, at whatever width."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.pictures.captions import BORDER, FONT, LINE, SCALE, THICKNESS, caption_row

WORDS = st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12), max_size=6)


def ink(canvas: np.ndarray) -> np.ndarray:
    return (canvas < 128).any(-1)


def test_one_line_is_as_opencv_writes_it():
    (width, _), _ = cv2.getTextSize("Ours", FONT, SCALE, THICKNESS)
    canvas = caption_row(["Ours"], [width + 2 * BORDER + 40])
    assert canvas.shape == (LINE + 2 * BORDER, width + 2 * BORDER + 40, 3)
    columns = np.flatnonzero(ink(canvas).any(0))
    assert abs(columns.mean() - canvas.shape[1] / 2) < 3
    assert len(columns) > width / 2


@given(WORDS, st.integers(60, 300))
def test_no_text_is_clipped(words, width):
    canvas = caption_row([" ".join(words)], [width])
    assert canvas.shape[1] == width
    frame = np.ones(canvas.shape[:2], bool)
    frame[1:-1, 1:-1] = False
    assert not ink(canvas)[frame].any()
    assert ink(canvas).any() == bool(words)


def test_a_long_caption_takes_more_lines_and_all_columns_are_as_high():
    short, long = "MP", "w/o feature consistency (simulated)"
    canvas = caption_row([short, long], [80, 120])
    assert canvas.shape[1] == 200
    assert canvas.shape[0] >= 3 * LINE
    assert np.array_equal(canvas[:, 80:], caption_row([long], [120]))
    assert ink(canvas[:, :80]).any()


def test_a_caption_needs_a_width():
    with pytest.raises(ValueError, match="longer|shorter"):
        caption_row(["a", "b"], [100])
