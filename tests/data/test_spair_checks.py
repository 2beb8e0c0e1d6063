"""SPair-71k's annotations make sense, agree with each other, and stay in the release; or file and field are named."""

import json
import re
from dataclasses import asdict, replace

import numpy as np
import pytest

from pipeline.base.errors import InputError
from pipeline.data import spair
from pipeline.data.coordinates import box_from_one_based, reaches
from pipeline.data.spair_checks import problem
from pipeline.data.spair_pairs import annotated_pairs, pair_instances
from pipeline.photographs.image_files import write_image
from support.paths import GENUINE_SPAIR, needs_fixtures
from support.releases import HEIGHT, IMAGE, WIDTH, pair_annotation, write_evaluation

IMAGES = {"a": IMAGE, "b": replace(IMAGE, bndbox=(5, 5, 45, 35), occluded=1)}
PAIRS = [("a", "b"), ("b", "a")]
STEM = "000000-a-b:car"


@pytest.fixture
def root(tmp_path):
    write_evaluation(tmp_path, IMAGES, PAIRS)
    return tmp_path


def change(path, **fields):
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def pair_path(root):
    return spair.pair_path(root, "test", STEM)


def image_path(root):
    return spair.annotation_path(root, "car", "a")


@needs_fixtures
def test_genuine_annotations_make_sense_with_room_to_spare():
    for path in sorted(GENUINE_SPAIR.glob("ImageAnnotation/*/*.json")):
        annotation = spair.read_image_annotation(path)
        assert problem(annotation) is None
        box = box_from_one_based(annotation.bndbox)
        room = 0.05 * max(box.width, box.height)
        wide = box._replace(x0=box.x0 - room, y0=box.y0 - room, x1=box.x1 + room, y1=box.y1 + room)
        for x, y in filter(None, annotation.kps.values()):
            assert wide.x0 <= x - 0.5 <= wide.x1 and wide.y0 <= y - 0.5 <= wide.y1 and reaches(box, x - 0.5, y - 0.5)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"src_bndbox": [41, 26, 11, 6]}, r"'src_bndbox' to be \(11, 6, 41, 26\), as the annotation of a\.jpg says"),
        ({"trg_bndbox": [5, 5, 5, 5]}, r"'trg_bndbox' to be \(5, 5, 45, 35\), as the annotation of b\.jpg says"),
        ({"trg_bndbox": [5, 5, 45, 5000]}, "'trg_bndbox' to be"),
        ({"trg_bndbox": [5, 5, 45, 1e300]}, "'trg_bndbox' to be places in pixels"),
        ({"src_imsize": [61, 40, 3]}, r"'src_imsize' to be \(60, 40, 3\)"),
        ({"trg_pose": "Left"}, "'trg_pose' to be Unspecified"),
        ({"trg_kps": [[-1, -1]] * 3}, r"'trg_kps' to be \(\(12, 8\), \(13, 8\), \(14, 8\)\)"),
        ({"src_kps": [[12, 8], [13, 8], [5000, 8]]}, "'src_kps' to be"),
        ({"kps_ids": ["0", "1", "5"]}, "'src_kps' to be .*None"),
        ({"kps_ids": ["0", "1", "1"]}, "'kps_ids' to be ids from 0 to 29, each once"),
        ({"kps_ids": ["0", "1", "30"]}, "'kps_ids' to be ids from 0 to 29, each once"),
        ({"kps_ids": ["1", "0", "2"]}, "'src_kps' to be"),
        ({"truncation": 1}, "'truncation' to be 0, as the annotations of its images say"),
        ({"truncation": 7}, "'truncation' to be 0, 1, 2 or 3"),
        ({"occlusion": 0}, "'occlusion' to be 2, as the annotations of its images say"),
        ({"filename": "000000-b-a:car"}, "'filename' to be 000000-a-b:car"),
        ({"trg_imname": "../../../etc/passwd"}, "'trg_imname' to be the name of an image file"),
        ({"src_imname": "/etc/passwd"}, "'src_imname' to be the name of an image file"),
        ({"src_imname": "a\0.jpg"}, "'src_imname' to be the name of an image file"),
    ],
)
def test_a_pair_that_contradicts_its_images_or_itself_is_an_error(fields, message, root):
    change(pair_path(root), **fields)
    with pytest.raises(InputError, match=rf"000000-a-b:car\.json: expected the field {message}.*Fetch"):
        annotated_pairs(root, "test", "car")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"filename": "b.jpg"}, r"'filename' to be a\.jpg, found b\.jpg"),
        ({"category": "bus"}, "'category' to be 'car', as its folder says"),
        ({"image_width": 0}, "'image_width' to be a number of pixels, found 0"),
        ({"image_height": -40}, "'image_height' to be a number of pixels"),
        ({"image_width": 10**30}, "'image_width' to be a number of pixels"),
        ({"truncated": 2}, "'truncated' to be 0 or 1, found 2"),
        ({"occluded": -1}, "'occluded' to be 0 or 1"),
        ({"kps": {"30": None}}, "'kps' to be the keys 0 to 29"),
        ({"kps": {"x": [1, 2]}}, "'kps' to be the keys 0 to 29"),
        ({"kps": {"0": [1, 1e9]}}, r"'kps\.0' to be a place in pixels"),
        ({"bndbox": [1, 2, 3, 10**400]}, "'bndbox' to be places in pixels"),
    ],
)
def test_an_image_annotation_with_a_value_that_it_cannot_have_is_an_error(fields, message, root):
    change(image_path(root), **fields)
    with pytest.raises(InputError, match=rf"car/a\.json: expected the field {message}.*Fetch"):
        spair.read_image_annotation(image_path(root))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"bndbox": (41, 26, 11, 6)}, "not one from its left top corner"),
        ({"bndbox": (11, 6, 41, 6)}, "not one from its left top corner"),
        ({"bndbox": (11, 6, 62, 26)}, "outside the image of 60 x 40 pixels"),
        ({"bndbox": (-1, 6, 41, 26)}, "outside the image of 60 x 40 pixels"),
        ({"kps": {**IMAGE.kps, "3": (-1, -1)}}, r"keypoint 3 \[-1, -1\] outside the image of 60 x 40 pixels"),
        ({"kps": {**IMAGE.kps, "3": (12, 42)}}, "keypoint 3 .* outside the image"),
        ({"bndbox": (40, 30, 50, 40)}, r"keypoint 0 \[12, 8\] far outside the box \[40, 30, 50, 40\]"),
    ],
)
def test_what_cannot_be_an_object_in_its_image_is_named(fields, message):
    assert re.search(message, problem(replace(IMAGE, **fields)) or "no problem")


def test_an_image_that_makes_no_sense_is_skipped_where_its_pairs_say_the_same(tmp_path):
    write_evaluation(tmp_path, {**IMAGES, "b": replace(IMAGE, bndbox=(41, 26, 11, 6))}, PAIRS)
    assert len(annotated_pairs(tmp_path, "test", "car")) == 2
    found, skipped, _ = pair_instances(tmp_path, "car", IMAGES, "test")
    assert [item.name for item in found] == ["a"] and list(skipped) == ["b"]


def test_a_photograph_of_another_size_is_an_error(root):
    write_image(spair.image_path(root, "car", "b"), np.zeros((HEIGHT, WIDTH + 1, 3), np.uint8))
    with pytest.raises(InputError, match=r"b\.jpg: expected 60 x 40 pixels, as its .* found 61 x 40\. Fetch"):
        pair_instances(root, "car", IMAGES, "test")


@pytest.mark.parametrize("fields", [{"category": "bus"}, {"pair_id": 3}, {"pair_id": -1}, {"trg_imname": "a.jpg"}])
def test_a_pair_in_the_file_of_another_is_an_error(fields, root):
    change(pair_path(root), **fields)
    with pytest.raises(
        InputError, match=r"000000-a-b:car\.json: expected pair_id, .* that give the file's name.*Fetch"
    ):
        annotated_pairs(root, "test", "car")


def test_pairs_of_images_without_annotation_are_compared_with_none(root):
    change(pair_path(root), truncation=3)
    image_path(root).unlink()
    assert [pair.truncation for pair in annotated_pairs(root, "test", "car")] == [3, 0]


def test_pairs_are_listed_once(root):
    listing = spair.pair_list_path(root, "large", "test")
    spair.write_pair_list(listing, [STEM, "000001-b-a:car", STEM])
    with pytest.raises(InputError, match=r"test\.txt: expected each pair once, found '000000-a-b:car' again"):
        annotated_pairs(root, "test", "car")
    again = pair_annotation(7, "a", IMAGES["a"], "b", IMAGES["b"])
    spair.write_pair_annotation(spair.pair_path(root, "test", again.filename), again)
    spair.write_pair_list(listing, [STEM, again.filename])
    with pytest.raises(InputError, match=r"test\.txt: expected each pair of images once, found a -> b again"):
        annotated_pairs(root, "test", "car")


@pytest.mark.parametrize("name", ["../../x:car", "/etc/passwd:car", "a b:car", "x" * 300 + ":car"])
def test_a_listed_pair_that_is_no_name_is_an_error_with_its_line(name, root):
    spair.pair_list_path(root, "large", "test").write_text(f"{STEM}\n{name}\n")
    with pytest.raises(InputError, match=r"test\.txt, line 2: expected one name of a file, found"):
        annotated_pairs(root, "test", "car")


@pytest.mark.parametrize(
    "folder", ["JPEGImages/car/a.jpg", "ImageAnnotation/car/a.json", f"PairAnnotation/test/{STEM}.json"]
)
def test_no_link_leads_out_of_the_release(folder, tmp_path):
    root = tmp_path / "release"
    write_evaluation(root, IMAGES, PAIRS)
    path = root / folder
    path.rename(tmp_path / "outside")
    path.symlink_to(tmp_path / "outside")
    with pytest.raises(InputError, match=rf"{path.name}: expected a file below .*found a link that leads to .*outside"):
        annotated_pairs(root, "test", "car")
        pair_instances(root, "car", IMAGES, "test")


TEXT = json.dumps(asdict(IMAGE))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TEXT.replace('"image_width": 60', '"image_width": NaN'), "expected JSON.*NaN is no number"),
        (TEXT.replace('"bndbox": [11,', '"bndbox": [-Infinity,'), "expected JSON.*-Infinity is no number"),
        (TEXT.replace('"bndbox": [11,', '"bndbox": [1e999,'), "expected JSON.*1e999 is no number that can be stored"),
        (TEXT.replace('"kps": {', '"kps": {"0": [1, 2], '), "expected JSON.*the key '0' is there twice"),
        ('{"filename": "b.jpg", ' + TEXT[1:], "expected JSON.*the key 'filename' is there twice"),
        (TEXT.replace("[11, 6, 41, 26]", "[" * 5000 + "]" * 5000), "expected JSON.*nested too deeply"),
        (TEXT.replace("[11, 6, 41, 26]", "[" * 600 + "]" * 600), "the field 'bndbox' must be"),
        (TEXT.replace("[11, 6, 41, 26]", "9" * 5000), "expected JSON"),
        (TEXT.replace("[11, 6, 41, 26]", str(list(range(100_000)))), "the field 'bndbox' must be"),
        ('"a"', "expected the field 'filename', found none"),
        ("\0", "expected printable text"),
    ],
)
def test_json_that_another_reader_might_accept_is_refused(text, message, root):
    image_path(root).write_text(text)
    with pytest.raises(InputError, match=rf"car/a\.json.*{message}") as found:
        spair.read_image_annotation(image_path(root))
    assert len(str(found.value)) < 1500


def test_files_in_another_encoding_are_errors_and_a_byte_order_mark_is_none(root):
    path = image_path(root)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert spair.read_image_annotation(path).filename == "a.jpg"
    path.write_bytes(TEXT.encode("utf-16"))
    with pytest.raises(InputError, match=r"a\.json, line 1: expected text in UTF-8"):
        spair.read_image_annotation(path)
    listing = spair.pair_list_path(root, "large", "test")
    listing.write_bytes(listing.read_bytes().replace(b"\n", b"\r\n"))
    assert len(spair.read_pair_list(listing)) == 2
    for content, message in ((b"\xff\xfea\0", "UTF-8"), (b"", "expected names"), (b"\n \n", "expected names")):
        listing.write_bytes(content)
        with pytest.raises(InputError, match=rf"test\.txt.*{message}"):
            spair.read_pair_list(listing)
