"""Pictures of matched pairs, from points made by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.base.errors import InputError
from pipeline.config.workspace import Workspace
from pipeline.photographs.image_files import write_image
from pipeline.reporting.match_pictures import GAP, GREEN, PAIRS, RED, SPACE, TILE, draw_matches, draw_pairs
from support.photographs import make_instance, make_photo
from support.tiny import tiny_params

WIDTH = 2 * TILE + GAP + SPACE
NAMES = [f"image_{i}" for i in range(8)]


def nearer(pixel: np.ndarray, colour: tuple, other: tuple) -> bool:
    distances = [np.abs(pixel.astype(int) - c).sum() for c in (colour, other)]
    return distances[0] < 150 < distances[1]


def count(picture: np.ndarray, colour: tuple) -> int:
    return int((picture == np.array(colour)).all(-1).sum())


def make_points(error: float = 0.0, pairs: int = 3, method: str = "search") -> pd.DataFrame:
    """Each pair is of two neighbours in `NAMES`, with two keypoints that are `error` pixels off to the right."""
    rows = []
    for number in range(pairs):
        for x, y in ((40.0, 35.0), (80.0, 50.0)):
            row = {"pair": 10 + number, "source": NAMES[number], "target": NAMES[number + 1], "method": method}
            place = {"source_x": x, "source_y": y, "target_x": x, "target_y": y, "x": x + error, "y": y}
            rows.append({**row, **place, "error": error, "box_side": 80.0})
    return pd.DataFrame(rows)


@pytest.fixture
def world(tmp_path: Path):
    """Photographs on disk: the instances and the workspace that `draw_pairs` takes."""
    for number, name in enumerate(NAMES):
        write_image(tmp_path / f"photographs/{name}.png", make_photo(name).image // 4 + 8 * number)
    return {name: make_instance(name, "test") for name in NAMES}, Workspace(tmp_path, tiny_params())


def test_lines_are_green_where_correct_and_red_where_wrong():
    grey = np.full((100, 100, 3), 128, np.uint8)
    start, end = np.array([[0.5, 0.25], [0.5, 0.75]]), np.array([[0.5, 0.25], [7.0, 0.75]])
    picture = draw_matches(grey, grey, start, end, [True, False])
    assert picture.shape == (100, 200 + GAP, 3)
    # The line runs between two rows of pixels.
    assert nearer(picture[24, 150], GREEN, RED)
    # A match outside the crop ends at its border.
    assert nearer(picture[74, 150], RED, GREEN)
    assert (grey == 128).all()
    assert np.array_equal(draw_matches(grey, grey, start[:0], end[:0], [])[:, :100], grey)


def test_a_column_for_each_method_and_a_row_for_each_pair(world):
    columns = {"MP": make_points(50.0), "Ours": make_points(1.0)}
    picture = draw_pairs(columns, *world, 0.1)
    assert picture.shape[1] == 2 * WIDTH
    head = picture.shape[0] - 3 * (TILE + GAP)
    assert 20 <= head < 40
    assert np.array_equal(picture, draw_pairs(columns, *world, 0.1))
    for row in range(3):
        wrong, right = np.split(picture[head + row * (TILE + GAP) :][:TILE], 2, axis=1)
        assert count(wrong, RED) > 50 and count(wrong, GREEN) == 0
        assert count(right, GREEN) > 50 and count(right, RED) == 0


def test_the_threshold_separates_green_from_red(world):
    columns = {"Ours": make_points(8.0)}
    assert count(draw_pairs(columns, *world, 0.1), RED) == 0
    assert count(draw_pairs(columns, *world, 0.099), GREEN) == 0


def test_lines_join_the_keypoint_with_its_match(world):
    instances, workspace = world
    picture = draw_pairs({"Ours": make_points(16.0)}, instances, workspace, 0.1)
    tile = picture[-(TILE + GAP) : -GAP]
    box, margin = instances[NAMES[0]].box, workspace.params.data.crop_margin
    scale = TILE / (margin * box.width)
    centre = np.array(box.centre)
    for x, y in ((40.0, 35.0), (80.0, 50.0)):
        left = (np.array([x, y]) - centre) * scale + TILE / 2
        right = (np.array([x + 16, y]) - centre) * scale + TILE / 2 + [TILE + GAP, 0]
        for point in (left, right):
            column, row = point.astype(int)
            assert tuple(tile[row, column]) == RED


def test_shown_pairs_are_spread_over_the_list(world):
    points = make_points(pairs=7)
    spread = points[points["pair"].isin(10 + np.linspace(0, 6, PAIRS).round())]
    assert len(spread) == 2 * PAIRS < len(points)
    assert np.array_equal(draw_pairs({"Ours": points}, *world, 0.1), draw_pairs({"Ours": spread}, *world, 0.1))


def test_a_long_name_is_not_cut(world):
    narrow = draw_pairs({"Ours": make_points()}, *world, 0.1)
    long = "w/o feat. cons. on the components of another backbone's features (simulated)"
    wide = draw_pairs({long: make_points()}, *world, 0.1)
    head = len(wide) - 3 * (TILE + GAP)
    assert len(wide) > len(narrow)
    assert np.array_equal(wide[head:], narrow[-3 * (TILE + GAP) :])
    assert (wide[:head, [0, -1]] == 255).all()


def test_there_have_to_be_pairs_and_the_same_ones(world):
    points = make_points()
    with pytest.raises(InputError, match="found no method"):
        draw_pairs({}, *world, 0.1)
    with pytest.raises(InputError, match="found none of Ours"):
        draw_pairs({"MP": points, "Ours": points[:0]}, *world, 0.1)
    for other in (points[points["pair"] > 10], points.assign(source="image_7")):
        with pytest.raises(InputError, match="'MP' and 'Ours' were not scored on the same pairs"):
            draw_pairs({"MP": points, "Ours": other}, *world, 0.1)
