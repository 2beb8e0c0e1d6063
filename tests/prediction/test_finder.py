"""The box of an object in a photograph without one, from tokens whose class is known."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.labels.components.foreground import fit_foreground
from pipeline.photographs.records import Box, intersection_over_union
from pipeline.prediction.finder import find_box

GRID = 16
MARGIN = 1.2


def _foreground():
    """Tokens near 1 are on the object, those near 0 beside it."""
    rng = np.random.default_rng(0)
    coverage = (rng.random((GRID, GRID)) > 0.5).astype(np.float64)
    tokens = coverage[..., None] + 0.05 * rng.standard_normal((GRID, GRID, 2))
    return fit_foreground([(tokens.astype(np.float32), coverage)], 0.5)


FOREGROUND = _foreground()


def _tokens_of(*boxes):
    """Tokens of a photograph whose objects fill these boxes."""

    def tokens(crops):
        made = []
        for crop in crops:
            places = (np.arange(GRID) + 0.5) / GRID * crop.side
            x, y = places + crop.x0, (places + crop.y0)[:, None]
            on = np.zeros((GRID, GRID), bool)
            for box in boxes:
                on |= (x > box.x0) & (x < box.x1) & (y > box.y0) & (y < box.y1)
            made.append(np.repeat(on[..., None], 2, -1).astype(np.float32))
        return made

    return tokens


@st.composite
def scenes(draw):
    """Width and height of a photograph, and a box that covers a fair part of it."""
    width, height = draw(st.integers(80, 900)), draw(st.integers(80, 900))
    sides = [draw(st.floats(0.3, 0.95)) * min(width, height) for _ in range(2)]
    x0 = draw(st.floats(0, 1)) * (width - sides[0])
    y0 = draw(st.floats(0, 1)) * (height - sides[1])
    return width, height, Box(x0, y0, x0 + sides[0], y0 + sides[1])


@given(scenes())
def test_the_box_is_that_of_the_object(scene):
    width, height, box = scene
    found = find_box(width, height, _tokens_of(box), FOREGROUND, MARGIN)
    assert found is not None
    # Its sides are those of whole patches, of which the object has five or more along each side.
    assert intersection_over_union(found, box) > 0.6
    assert 0 <= found.x0 < found.x1 <= width and 0 <= found.y0 < found.y1 <= height


def test_a_panorama_is_looked_through_in_squares():
    box = Box(1700.0, 30.0, 1790.0, 90.0)
    found = find_box(2000, 100, _tokens_of(box), FOREGROUND, MARGIN)
    assert found is not None and intersection_over_union(found, box) > 0.7
    tall = Box(box.y0, box.x0, box.y1, box.x1)
    found = find_box(100, 2000, _tokens_of(tall), FOREGROUND, MARGIN)
    assert found is not None and intersection_over_union(found, tall) > 0.7


def test_the_larger_of_two_objects_is_found():
    large, small = Box(20.0, 20.0, 220.0, 180.0), Box(300.0, 60.0, 360.0, 110.0)
    found = find_box(400, 400, _tokens_of(large, small), FOREGROUND, MARGIN)
    assert found is not None and intersection_over_union(found, large) > 0.8


def test_nothing_is_found_where_nothing_is():
    assert find_box(300, 200, _tokens_of(), FOREGROUND, MARGIN) is None
    assert find_box(1, 1, _tokens_of(), FOREGROUND, MARGIN) is None
