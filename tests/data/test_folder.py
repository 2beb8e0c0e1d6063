"""Photographs of one's own: from the folder to the lists of instances and pairs."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.base.errors import InputError
from pipeline.config.profiles import merge_text
from pipeline.data.paper_rules import select
from pipeline.data.selection import write_selection
from pipeline.photographs.lists import read_instances, read_pairs
from pipeline.photographs.records import Box, bounding_box
from stages.arguments import parse_backbone, parse_category, parse_cell
from support.folders import KEYPOINTS, keypoints, row, write_folder
from support.paths import ROOT
from support.photographs import ellipse

ROWS = [
    row("b", "test", **keypoints("left", "right"), azimuth=350, elevation=5, theta=0),
    row("a", "test", **keypoints("right", "top")),
    row("c", "test", **keypoints("left"), truncated=1),
    row("lonely", "test"),
    row("sub/first"),
    row("masked", x0="", y0="", x1="", y1="", mask="masks/masked.png"),
    row("cut", occluded=1),
    row("jug", category="jug"),
]


def test_the_papers_rules_select_from_a_folder(tmp_path):
    selection = select(write_folder(tmp_path, ROWS), "mug")
    assert [item.key for item in selection.instances] == ["mug/first", "mug/masked", "mug/a", "mug/b"]
    assert [item.split for item in selection.instances] == ["train", "train", "test", "test"]
    assert selection.instances[0].image == "photographs/sub/first.png"
    counts = selection.counts
    assert (counts.training_listed, counts.training_flagged, counts.training) == (3, 1, 2)
    # a-b and b-c have a keypoint in common, each in two directions; c is truncated.
    assert (counts.pairs_listed, counts.pairs_truncated, counts.pairs) == (4, 2, 2)
    assert (counts.evaluation, counts.evaluation_viewpoints, counts.evaluation_cad_models) == (2, 1, 0)
    assert selection.skipped == {}


def test_pairs_are_all_ordered_ones_with_a_common_keypoint(tmp_path):
    selection = select(write_folder(tmp_path, ROWS, data__exclude_truncated_pairs=False), "mug")
    pairs = selection.pairs.pairs
    expected = {("a", "b"): ["right"], ("b", "a"): ["right"], ("b", "c"): ["left"], ("c", "b"): ["left"]}
    assert {(pair.source, pair.target): list(pair.keypoint_ids) for pair in pairs} == expected
    assert [pair.truncation for pair in pairs] == [0, 0, 2, 1]
    for pair in pairs:
        places = [KEYPOINTS[name] for name in pair.keypoint_ids]
        np.testing.assert_array_equal(pair.source_keypoints, places)
        np.testing.assert_array_equal(pair.target_keypoints, places)
        assert pair.source_box == pair.target_box == Box(20, 15, 100, 75)


def test_the_box_is_that_of_the_mask_where_none_is_given(tmp_path):
    instances = {item.name: item for item in select(write_folder(tmp_path, ROWS), "mug").instances}
    assert instances["masked"].box == bounding_box(ellipse())
    assert instances["first"].box == Box(20, 15, 100, 75)


def test_a_box_is_clipped_to_the_photograph_but_not_for_the_threshold(tmp_path):
    rows = [row("a", "test", **keypoints("left"), x0=-10), row("b", "test", **keypoints("left"))]
    selection = select(write_folder(tmp_path, rows), "mug")
    assert selection.instances[0].box == Box(0, 15, 100, 75)
    assert selection.pairs.pairs[0].source_box == Box(-10, 15, 100, 75)


def test_angles_become_the_annotated_viewpoint(tmp_path):
    instances = {item.name: item for item in select(write_folder(tmp_path, ROWS), "mug").instances}
    view = instances["b"].viewpoint
    assert (view.azimuth, view.elevation, view.theta, view.distance) == (350, 5, 0, 0)
    assert (view.px, view.py) == (60, 45)
    assert instances["a"].viewpoint is None


def test_a_folder_without_training_photographs_is_for_evaluation(tmp_path):
    selection = select(write_folder(tmp_path, ROWS[:2]), "mug")
    assert selection.counts.training_listed == 0
    assert [item.name for item in selection.instances] == ["a", "b"]


def test_the_lists_are_read_back(tmp_path):
    workspace = write_folder(tmp_path, ROWS)
    selection = select(workspace, "mug")
    write_selection(workspace, selection)
    assert tuple(read_instances(workspace.instances("mug"))) == selection.instances
    assert read_pairs(workspace.pairs("mug")).sha256 == selection.pairs.sha256
    assert all(workspace.photograph(item).is_file() for item in selection.instances)


def test_without_any_keypoints_all_photographs_of_the_split_are_evaluated_without_pairs(tmp_path):
    selection = select(write_folder(tmp_path, [row("b", "test"), row("a", "test"), row("c")]), "mug")
    assert selection.pairs.pairs == () and selection.calibration.pairs == ()
    assert [item.key for item in selection.instances] == ["mug/c", "mug/a", "mug/b"]
    assert (selection.counts.pairs_listed, selection.counts.evaluation) == (0, 2)
    with pytest.raises(InputError, match=r"two photographs of the category 'mug'.* among 1"):
        select(write_folder(tmp_path, [row("b", "test"), row("c")]), "mug")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [row("a", "test", **keypoints("left")), row("b", "test", **keypoints("top"))],
            r"two photographs of the category 'mug' in the split 'test'.* among 2",
        ),
        ([row("a", "val", **keypoints("top"))] * 1, r"in the split 'test'.*found none among 0.*evaluation_split"),
        ([row("a", category="mugs")], r"expected photographs of the category 'mug', found none. Did you mean 'mugs'"),
        ([*ROWS, row("far", x0=500, x1=600)], r"line 10, column 'x0': .* overlaps the photograph of 120 x 90 pixels"),
        (
            [*ROWS, row("d", "test", **keypoints("left") | {"kp:left:x": 121})],
            r"line 10, column 'kp:left:x': .* of 120 x 90 pixels, found \(121, 45\)",
        ),
        (
            [*ROWS, row("d", "test", **keypoints("left") | {"kp:left:x": -1, "kp:left:y": -1})],
            r"line 10, column 'kp:left:x': expected a place .* found \(-1, -1\)",
        ),
        (
            [*ROWS, row("d", "test", **keypoints("left"), x0=100, y0=70, x1=110, y1=75)],
            r"line 10, column 'kp:left:x': expected a place in the box .* found \(20.5, 45\)",
        ),
        ([*ROWS, row("far", x1=5000)], r"line 10, column 'x0': expected a box that hardly reaches beyond .* 120 x 90"),
        (
            [row("a", "test", occluded=1, **keypoints("left")), row("b", **keypoints("left"), occluded=1)],
            "0 skipped, 1 truncated, occluded",
        ),
    ],
)
def test_what_cannot_be_used_is_named(tmp_path, rows, message):
    with pytest.raises(InputError, match=rf"photographs\.csv.*{message}"):
        select(write_folder(tmp_path, rows), "mug")


def test_a_photograph_that_is_missing_names_its_line(tmp_path):
    workspace = write_folder(tmp_path, ROWS)
    (tmp_path / "photographs" / "sub" / "first.png").unlink()
    with pytest.raises(InputError, match=r"line 6, column 'image': expected a photograph, found no file .*first\.png"):
        select(workspace, "mug")


def test_an_unknown_reader_names_the_nearest(tmp_path):
    workspace = write_folder(tmp_path, ROWS)
    params = replace(workspace.params, data=replace(workspace.params.data, reader="folders"))
    with pytest.raises(InputError, match=r"data\.reader names the unknown reader 'folders'\. Did you mean 'folder'"):
        select(replace(workspace, params=params), "mug")


def test_the_command_line_takes_categories_that_the_paper_does_not_have(tmp_path):
    text = (ROOT / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(text)
    arguments = ["--category", "mug", "--root", str(tmp_path)]
    with pytest.raises(InputError, match="Unknown category 'mug'"):
        parse_category("A stage.", arguments)
    own = {"data": {"reader": "folder", "generate": []}}
    (tmp_path / "params.yaml").write_text(merge_text(text, own, "test"))
    workspace, category = parse_category("A stage.", arguments)
    assert (category, workspace.photographs_csv) == ("mug", tmp_path / "photographs" / "photographs.csv")
    assert parse_backbone("A stage.", arguments)[2] == "mug"
    assert parse_cell("A stage.", ["--variant", "ours", *arguments])[1].category == "mug"
