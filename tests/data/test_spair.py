import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.data import spair
from pipeline.data.coordinates import from_one_based, to_one_based, to_one_based_integers
from pipeline.data.spair_annotations import KEYPOINT_SLOTS
from pipeline.data.spair_pairs import annotated_pairs, pair_instances
from pipeline.photographs.image_files import read_image
from support.paths import GENUINE_SPAIR, needs_fixtures
from support.releases import HEIGHT, IMAGE, pair_annotation, write_evaluation

PAIR = pair_annotation(7, "a", IMAGE, "b", IMAGE)


@needs_fixtures
def test_genuine_image_annotations_round_trip_byte_for_byte(tmp_path):
    paths = sorted(GENUINE_SPAIR.glob("ImageAnnotation/*/*.json"))
    assert len(paths) == 9
    for path in paths:
        annotation = spair.read_image_annotation(path)
        assert len(annotation.kps) == KEYPOINT_SLOTS
        spair.write_image_annotation(tmp_path / "copy.json", annotation)
        assert (tmp_path / "copy.json").read_bytes() == path.read_bytes()


@needs_fixtures
def test_genuine_pair_annotations_round_trip_byte_for_byte(tmp_path):
    paths = sorted(GENUINE_SPAIR.glob("PairAnnotation/*/*.json"))
    assert len(paths) == 3
    for path in paths:
        annotation = spair.read_pair_annotation(path)
        source, target = annotation.src_imname.removesuffix(".jpg"), annotation.trg_imname.removesuffix(".jpg")
        assert spair.pair_filename(annotation.pair_id, source, target, annotation.category) == path.stem
        spair.write_pair_annotation(tmp_path / "copy.json", annotation)
        assert (tmp_path / "copy.json").read_bytes() == path.read_bytes()


@needs_fixtures
def test_the_genuine_list_of_pairs_round_trips_byte_for_byte(tmp_path):
    path = spair.pair_list_path(GENUINE_SPAIR, "large", "trn")
    spair.write_pair_list(tmp_path / "trn.txt", spair.read_pair_list(path))
    assert (tmp_path / "trn.txt").read_bytes() == path.read_bytes()


@needs_fixtures
def test_the_genuine_bus_pair_is_read_in_both_directions():
    there, back = annotated_pairs(GENUINE_SPAIR, "trn", "bus")
    assert (there.source, there.target) == ("2008_000032", "2008_000075") == (back.target, back.source)
    assert there.keypoint_ids == ("0", "2", "11", "14", "18", "19", "26", "28")
    np.testing.assert_array_equal(there.source_keypoints[:2], [[359.5, 165.5], [405.5, 267.5]])
    np.testing.assert_array_equal(there.target_keypoints, back.source_keypoints)
    # Width and height are xmax - xmin and ymax - ymin, as in the official threshold.
    assert (there.target_box.width, there.target_box.height) == (500 - 14, 257 - 73)
    assert there.truncation == 3


@needs_fixtures
def test_genuine_images_of_a_category_are_instances():
    (a, b), skipped, _ = pair_instances(GENUINE_SPAIR, "bus", ["2008_000075", "2008_000032"], "trn")
    assert skipped == {}
    assert (a.name, b.name, a.split, a.viewpoint, a.truncated) == ("2008_000032", "2008_000075", "trn", None, True)
    assert b.box == (13.5, 72.5, 499.5, 256.5)


@needs_fixtures
def test_one_image_in_two_categories_is_two_instances_with_their_own_boxes():
    (bottle,), _, _ = pair_instances(GENUINE_SPAIR, "bottle", ["2008_000023"], "trn")
    (screen,), _, _ = pair_instances(GENUINE_SPAIR, "tvmonitor", ["2008_000023"], "trn")
    assert bottle.key != screen.key
    assert bottle.box == (39.5, 96.5, 120.5, 410.5)
    assert screen.box == (5.5, 0.5, 313.5, 261.5)


@needs_fixtures
def test_genuine_photographs_have_the_annotated_size():
    for path in sorted(GENUINE_SPAIR.glob("JPEGImages/*/*.jpg")):
        annotation = spair.read_image_annotation(spair.annotation_path(GENUINE_SPAIR, path.parent.name, path.stem))
        assert read_image(path).shape == (annotation.image_height, annotation.image_width, 3)


@given(st.lists(st.tuples(st.integers(-5, 900), st.integers(-5, 900)), max_size=4))
def test_integer_coordinates_survive_the_way_to_pixels_and_back(points):
    array = np.array(points, dtype=np.int64).reshape(-1, 2)
    np.testing.assert_array_equal(to_one_based_integers(from_one_based(array)), array)
    np.testing.assert_array_equal(to_one_based(from_one_based(array)), array)


def test_the_top_left_pixel_is_one_in_the_release_and_a_half_here():
    np.testing.assert_array_equal(from_one_based([1, 1]), [0.5, 0.5])
    # Every point of a pixel rounds to that pixel.
    np.testing.assert_array_equal(to_one_based_integers([[0.01, 0.99], [1.01, 1.99]]), [[1, 1], [2, 2]])


def test_boxes_are_clipped_to_the_image_and_skipped_outside_it(tmp_path):
    images = {"clipped": replace(IMAGE, bndbox=(0, 6, 41, 41)), "outside": replace(IMAGE, bndbox=(70, 6, 90, 26))}
    write_evaluation(tmp_path, images, [])
    (instance,), skipped, _ = pair_instances(tmp_path, "car", images, "test")
    assert instance.box == (0.0, 5.5, 40.5, HEIGHT)
    assert skipped == {"outside": "box [70, 6, 90, 26] outside the image of 60 x 40 pixels"}


def test_keypoints_outside_the_box_are_kept(tmp_path):
    image = replace(IMAGE, kps={**IMAGE.kps, "0": (9, 3), "5": (45, 30)})
    write_evaluation(tmp_path, {"a": image, "b": image}, [("a", "b")])
    (pair,) = annotated_pairs(tmp_path, "test", "car")
    assert pair.keypoint_ids == ("0", "1", "2", "5")
    np.testing.assert_array_equal(pair.source_keypoints[[0, 3]], [[8.5, 2.5], [44.5, 29.5]])


def test_a_pair_without_common_keypoints_is_read(tmp_path):
    write_evaluation(tmp_path, {"a": IMAGE, "b": replace(IMAGE, kps=dict.fromkeys(IMAGE.kps))}, [("a", "b")])
    (pair,) = annotated_pairs(tmp_path, "test", "car")
    assert pair.source_keypoints.shape == (0, 2)


def test_the_truncation_code_is_that_of_the_images(tmp_path):
    images = {"whole": IMAGE, "cut": replace(IMAGE, truncated=1)}
    write_evaluation(tmp_path, images, [("whole", "cut"), ("cut", "whole"), ("cut", "cut"), ("whole", "whole")])
    assert [pair.truncation for pair in annotated_pairs(tmp_path, "test", "car")] == [2, 1, 3, 0]


@pytest.mark.parametrize("keep", [0, 1, 40, -1])
@pytest.mark.parametrize(
    ("write", "read", "annotation"),
    [
        (spair.write_image_annotation, spair.read_image_annotation, IMAGE),
        (spair.write_pair_annotation, spair.read_pair_annotation, PAIR),
    ],
)
def test_truncated_json_is_an_error_that_names_the_file(keep, write, read, annotation, tmp_path):
    path = tmp_path / "a.json"
    write(path, annotation)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"a\.json.*Fetch"):
        read(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bndbox", [1, 2, 3]),
        ("bndbox", None),
        ("kps", {"0": [1]}),
        ("kps", [[1, 2]]),
        ("truncated", "1"),
        ("image_width", 1.5),
    ],
)
def test_a_malformed_field_is_an_error_that_names_it(name, value, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps({**asdict(IMAGE), name: value}))
    with pytest.raises(InputError, match=rf"a\.json: the field '{name}'"):
        spair.read_image_annotation(path)


@pytest.mark.parametrize("content", ["[]", "{}", "null"])
def test_json_of_another_form_is_an_error_that_names_the_first_missing_field(content, tmp_path):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match=r"a\.json: expected the field 'filename'"):
        spair.read_image_annotation(tmp_path / "a.json")


def test_unequally_many_keypoints_are_an_error(tmp_path):
    spair.write_pair_annotation(tmp_path / "a.json", replace(PAIR, kps_ids=("0",)))
    with pytest.raises(InputError, match="3, 3 and 1"):
        spair.read_pair_annotation(tmp_path / "a.json")


def test_missing_files_are_errors_that_name_them(tmp_path):
    with pytest.raises(InputError, match=r"test\.txt.*data\.spair"):
        annotated_pairs(tmp_path, "test", "car")
    write_evaluation(tmp_path, {"a": IMAGE, "b": IMAGE}, [("a", "b")])
    spair.image_path(tmp_path, "car", "b").unlink()
    with pytest.raises(InputError, match=r"b\.jpg.*Restore"):
        pair_instances(tmp_path, "car", ["a", "b"], "test")
    spair.annotation_path(tmp_path, "car", "a").unlink()
    with pytest.raises(InputError, match=r"a\.json.*Restore"):
        pair_instances(tmp_path, "car", ["a", "b"], "test")
    spair.pair_path(tmp_path, "test", "000000-a-b:car").unlink()
    with pytest.raises(InputError, match=r"000000-a-b:car\.json.*Restore"):
        annotated_pairs(tmp_path, "test", "car")


def test_unknown_names_and_categories_without_pairs_are_errors(tmp_path):
    write_evaluation(tmp_path, {"a": IMAGE, "b": IMAGE}, [("a", "b")])
    with pytest.raises(InputError, match="Did you mean 'car'"):
        annotated_pairs(tmp_path, "test", "cars")
    with pytest.raises(InputError, match="Did you mean 'trn'"):
        annotated_pairs(tmp_path, "train", "car")
    with pytest.raises(InputError, match=r"test\.txt: expected pairs of the category 'bus'"):
        annotated_pairs(tmp_path, "test", "bus")
