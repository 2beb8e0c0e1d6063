"""Choosing and cleaning masks, against slow references."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from pipeline.config.label_params import MaskChoice, MaskCleaning
from pipeline.labels.masks.choice import Proposals, choose, label_from, prompt_box
from pipeline.labels.masks.cleaning import clean
from pipeline.photographs.records import Box, bounding_box
from support.photographs import make_instance, make_photo
from support.tiny import tiny_params

EIGHT = np.ones((3, 3))
MASKS = st.builds(
    lambda seed, density: np.random.default_rng(seed).random((9, 11)) < density,
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.1, 0.4, 0.6, 0.8]),
)
COORDINATES = st.integers(-4, 30).map(lambda quarter: quarter / 2)
BOXES = st.builds(
    lambda x, y, w, h: Box(x, y, x + w, y + h), COORDINATES, COORDINATES, st.floats(0.5, 12.0), st.floats(0.5, 12.0)
)
SHARES = st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0])
KEEP_ALL = MaskCleaning(margin=0.0, smallest_part=0.0, largest_hole=0.0)
FRAME = Box(0.0, 0.0, 11.0, 9.0)


def clean_reference(mask: np.ndarray, box: Box, params: MaskCleaning) -> np.ndarray:
    result = np.zeros_like(mask)
    for y, x in np.argwhere(mask):
        dx, dy = params.margin * (box.x1 - box.x0), params.margin * (box.y1 - box.y0)
        inside_x = box.x0 - dx <= x + 0.5 <= box.x1 + dx
        result[y, x] = inside_x and box.y0 - dy <= y + 0.5 <= box.y1 + dy
    parts, count = ndimage.label(result, EIGHT)
    areas = [(parts == i).sum() for i in range(1, count + 1)]
    for i, area in enumerate(areas, 1):
        if area < params.smallest_part * max(areas):
            result[parts == i] = False
    limit = params.largest_hole * result.sum()
    for filled_hole in holes(result):
        if filled_hole.sum() <= limit:
            result = result | filled_hole
    return result


def holes(mask: np.ndarray) -> list[np.ndarray]:
    labels, count = ndimage.label(ndimage.binary_fill_holes(mask) & ~mask)
    return [labels == i for i in range(1, count + 1)]


@given(MASKS, BOXES, SHARES, SHARES, SHARES)
def test_cleaning_equals_slow_reference(
    mask: np.ndarray, box: Box, margin: float, smallest_part: float, largest_hole: float
) -> None:
    params = MaskCleaning(margin, smallest_part, largest_hole)
    before = mask.copy()
    np.testing.assert_array_equal(clean(mask, box, params), clean_reference(mask, box, params))
    np.testing.assert_array_equal(mask, before)


@given(MASKS, BOXES, SHARES)
def test_cleaning_twice_is_cleaning_once(mask: np.ndarray, box: Box, smallest_part: float) -> None:
    params = MaskCleaning(0.1, smallest_part, 0.0)
    once = clean(mask, box, params)
    np.testing.assert_array_equal(clean(once, box, params), once)


def test_small_hole_is_filled_and_true_hole_stays() -> None:
    mask = np.zeros((9, 11), bool)
    mask[1:8, 1:10] = True
    mask[2, 2] = False
    mask[4:7, 5:8] = False
    cleaned = clean(mask, FRAME, MaskCleaning(0.0, 0.0, 0.05))
    assert cleaned[2, 2] and not cleaned[5, 6]
    assert cleaned.sum() == mask.sum() + 1


def test_hole_of_just_the_largest_size_is_filled() -> None:
    mask = np.zeros((9, 11), bool)
    mask[:, :8] = True
    mask[3:5, 2:6] = False
    assert clean(mask, FRAME, MaskCleaning(0.0, 0.0, 8 / 64))[3:5, 2:6].all()
    assert not clean(mask, FRAME, MaskCleaning(0.0, 0.0, 7.9 / 64))[3:5, 2:6].any()


def test_bay_at_the_frame_is_no_hole() -> None:
    mask = np.ones((9, 11), bool)
    mask[0, 5] = False
    np.testing.assert_array_equal(clean(mask, FRAME, MaskCleaning(0.0, 0.0, 1.0)), mask)


def test_thin_part_stays_and_crumb_goes() -> None:
    mask = np.zeros((9, 11), bool)
    mask[0:6, 0:8] = True
    mask[8, 0:8] = True
    mask[8, 10] = True
    cleaned = clean(mask, FRAME, MaskCleaning(0.0, 0.1, 0.0))
    assert cleaned[8, :8].all() and not cleaned[8, 10]


def test_nothing_stays_nothing() -> None:
    assert not clean(np.zeros((9, 11), bool), FRAME, MaskCleaning(0.05, 0.02, 0.01)).any()
    assert not clean(np.ones((9, 11), bool), Box(20.0, 20.0, 30.0, 30.0), KEEP_ALL).any()


def choose_reference(candidates: np.ndarray, scores: np.ndarray, box: Box, params: MaskChoice) -> int | None:
    best = None
    for i in range(3):
        points = np.argwhere(candidates[i])
        if not len(points):
            continue
        (y0, x0), (y1, x1) = points.min(0), points.max(0) + 1
        # Areas by counting cells of a fine grid; all coordinates are multiples of a quarter.
        x, y = (np.arange(-10, 30, 0.25) + 0.125, np.arange(-10, 30, 0.25) + 0.125)
        own = ((y >= y0) & (y < y1))[:, None] & ((x >= x0) & (x < x1))
        other = ((y >= box.y0) & (y < box.y1))[:, None] & ((x >= box.x0) & (x < box.x1))
        overlap = (own & other).sum() / (own | other).sum()
        share = len(points) / (box.width * box.height)
        fits = overlap >= params.box_overlap and share >= params.box_share
        if fits and (best is None or scores[i] > scores[best]):
            best = i
    return best


@given(
    arrays(bool, (3, 6, 7), elements=st.booleans()),
    st.permutations([0.2, 0.5, 0.9]),
    st.builds(
        lambda x, y, w, h: Box(x / 4, y / 4, (x + w) / 4, (y + h) / 4),
        st.integers(-8, 20),
        st.integers(-8, 20),
        st.integers(1, 40),
        st.integers(1, 40),
    ),
    st.sampled_from([0.0, 0.31, 0.6]),
    st.sampled_from([0.0, 0.21, 0.47]),
)
def test_choice_equals_slow_reference(
    candidates: np.ndarray, scores: list[float], box: Box, overlap: float, share: float
) -> None:
    params = MaskChoice(overlap, share)
    expected = choose_reference(candidates, np.array(scores), box, params)
    assert choose(candidates, np.array(scores), box, params) == expected


def rectangle(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    mask = np.zeros((9, 11), bool)
    mask[y0:y1, x0:x1] = True
    return mask


WHOLE, PART, FRAME_LIKE = rectangle(2, 2, 8, 7), rectangle(2, 2, 5, 4), rectangle(2, 2, 8, 7)
FRAME_LIKE[3:6, 3:7] = False
BOX = Box(2.0, 2.0, 8.0, 7.0)


@pytest.mark.parametrize(
    ("masks", "scores", "expected"),
    [
        ((PART, WHOLE, rectangle(0, 0, 11, 9)), (0.9, 0.5, 0.8), 1),
        ((WHOLE, WHOLE, WHOLE), (0.4, 0.9, 0.8), 1),
        ((PART, PART, PART), (0.9, 0.9, 0.9), None),
        ((rectangle(0, 0, 0, 0), PART, FRAME_LIKE), (1.0, 0.9, 0.1), 2),
    ],
)
def test_parts_and_surroundings_are_not_chosen(masks: tuple, scores: tuple, expected: int | None) -> None:
    assert choose(np.array(masks), np.array(scores), BOX, MaskChoice(0.7, 0.2)) == expected


def test_thin_mask_of_the_right_extent_is_not_chosen() -> None:
    diagonal = np.zeros((9, 11), bool)
    diagonal[[2, 6], [2, 7]] = True
    masks = np.array([diagonal, diagonal, diagonal])
    assert bounding_box(diagonal) == BOX
    assert choose(masks, np.ones(3), BOX, MaskChoice(0.7, 0.2)) is None
    assert choose(masks, np.ones(3), BOX, MaskChoice(0.7, 2 / 30)) == 0


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (Box(20.0, 15.0, 100.0, 75.0), Box(20.0, 15.0, 100.0, 75.0)),
        (Box(-0.5, -3.0, 120.5, 95.0), Box(0.0, 0.0, 120.0, 90.0)),
        (Box(100.25, 80.0, 130.0, 89.5), Box(100.25, 80.0, 120.0, 89.5)),
    ],
)
def test_prompt_is_the_box_within_the_photograph(box: Box, expected: Box) -> None:
    photo = make_photo("a")._replace(instance=make_instance("a", box=box))
    assert prompt_box(photo) == expected


def test_single_mask_is_asked_for_only_where_none_of_three_fits() -> None:
    params, asked = tiny_params().masks, []

    def single() -> Proposals:
        asked.append(True)
        return Proposals(WHOLE[None], np.array([0.25]))

    fitting = Proposals(np.array([PART, WHOLE, PART]), np.array([0.9, 0.5, 0.8]))
    label = label_from(fitting, single, BOX, params)
    assert (label.score, label.candidate, asked) == (0.5, 1, [])
    np.testing.assert_array_equal(label.pixels, WHOLE)
    parts = Proposals(np.array([PART, PART, PART]), np.array([0.9, 0.5, 0.8]))
    label = label_from(parts, single, BOX, params)
    assert (label.score, label.candidate, asked) == (0.25, -1, [True])
    np.testing.assert_array_equal(label.pixels, WHOLE)
