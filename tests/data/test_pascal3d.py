import re
from dataclasses import replace

import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.data import pascal3d
from pipeline.data.cad import CadModel, cad_path, read_cad, write_cad
from pipeline.data.imagenet_split import training_instances, viewpoint
from pipeline.photographs.cameras import project_cad
from pipeline.photographs.image_files import write_image
from support.releases import CAR, HEIGHT, VIEW, WIDTH, write_training

RECORD = pascal3d.ImageRecord("n1_1.JPEG", 500, 375, (CAR,))
NUMBER = st.none() | st.floats(-1e4, 1e4)


@given(
    st.lists(
        st.builds(
            pascal3d.ObjectRecord,
            category=st.sampled_from(["car", "bus", ""]),
            bbox=st.none() | st.tuples(*[st.floats(-50, 600)] * 4),
            cad_index=st.none() | st.integers(1, 20),
            anchors=st.dictionaries(
                st.sampled_from(["wheel", "left_back_trunk", "x"]),
                st.builds(
                    pascal3d.Anchor, st.none() | st.tuples(st.floats(0, 500), st.floats(0, 500)), st.integers(0, 5)
                ),
            ),
            viewpoint=st.none() | st.builds(pascal3d.ViewpointRecord, *[NUMBER] * 10),
            truncated=st.booleans(),
            occluded=st.booleans(),
            difficult=st.booleans(),
        ),
        max_size=3,
    )
)
def test_records_round_trip_and_equal_records_give_equal_bytes(tmp_path_factory, objects):
    folder = tmp_path_factory.mktemp("records")
    record = pascal3d.ImageRecord("n1_1.JPEG", 500, None, tuple(objects), segmented=1)
    pascal3d.write_record(folder / "a.mat", record)
    pascal3d.write_record(folder / "b.mat", record)
    assert pascal3d.read_record(folder / "a.mat") == record
    assert (folder / "a.mat").read_bytes() == (folder / "b.mat").read_bytes()
    # The format begins with free text, in which most writers put the time.
    assert (folder / "a.mat").read_bytes()[:116].rstrip() == b"MATLAB 5.0 MAT-file"


def test_each_split_has_a_folder_of_its_own(tmp_path):
    assert pascal3d.annotation_path(tmp_path, "car", "n1_1") == tmp_path / "Annotations/car_imagenet/n1_1.mat"
    path = pascal3d.annotation_path(tmp_path, "car", "2008_000032", "pascal")
    assert path == tmp_path / "Annotations/car_pascal/2008_000032.mat"


def test_the_file_has_the_structure_that_readers_of_the_release_expect(tmp_path):
    pascal3d.write_record(tmp_path / "a.mat", replace(RECORD, objects=(CAR, CAR)))
    record = scipy.io.loadmat(tmp_path / "a.mat")["record"]
    assert record["filename"][0, 0][0] == "n1_1.JPEG"
    assert record["size"][0, 0]["width"][0, 0].item() == 500
    objects = record["objects"][0, 0]
    assert objects.shape == (1, 2)
    assert objects["class"][0, 1][0] == "car"
    np.testing.assert_array_equal(objects["bbox"][0, 0], [CAR.bbox])
    assert objects["viewpoint"][0, 0]["azimuth"][0, 0].item() == VIEW.azimuth
    assert objects["anchors"][0, 0]["left_wheel"][0, 0]["status"][0, 0].item() == 1


def test_a_record_of_another_writer_with_missing_and_odd_fields_is_read(tmp_path):
    view = {"azimuth_coarse": 45, "elevation_coarse": np.uint8(10), "azimuth": [], "num_anchor": 3}
    content = {"class": "car", "bbox": np.array([1, 2, 3, 4], np.uint16), "viewpoint": view, "anchors": []}
    scipy.io.savemat(tmp_path / "a.mat", {"record": {"filename": "a.JPEG", "objects": content, "imgsize": [5, 6, 3]}})
    record = pascal3d.read_record(tmp_path / "a.mat")
    assert (record.width, record.height, len(record.objects)) == (None, None, 1)
    item = record.objects[0]
    assert (item.category, item.bbox, item.cad_index, item.anchors) == ("car", (1.0, 2.0, 3.0, 4.0), None, {})
    assert not (item.truncated or item.occluded or item.difficult)
    assert (item.viewpoint.azimuth, item.viewpoint.azimuth_coarse, item.viewpoint.theta) == (None, 45.0, None)


def test_viewpoints_move_to_continuous_pixels():
    found = viewpoint(VIEW)
    assert found[:5] == (30.5, -4.25, 2.0, 5.5, 1.0)
    assert (found.px, found.py) == (30.5, -4.0)
    # The CAD origin falls on (px, py), by definition.
    np.testing.assert_allclose(project_cad(np.zeros((1, 3)), found), [[30.5, -4.0, 5.5]])


@pytest.mark.parametrize(
    "changes",
    [{"distance": 0.0}, {"distance": None}, {"azimuth": None, "elevation": None}],
)
def test_coarse_angles_stand_in_for_missing_fine_ones(changes):
    found = viewpoint(replace(VIEW, **changes))
    assert (found.azimuth, found.elevation, found.distance) == (45.0, 0.0, 0.0)


def test_an_empty_viewpoint_is_no_viewpoint_and_zero_focal_is_the_releases_camera():
    assert viewpoint(None) is None
    assert viewpoint(pascal3d.ViewpointRecord(*[None] * 10)) is None
    found = viewpoint(replace(VIEW, focal=0.0, viewport=0.0))
    assert (found.focal, found.viewport) == (1.0, 3000.0)


def test_training_instances_hold_what_the_annotations_say(tmp_path):
    write_training(tmp_path, {"b": (replace(CAR, truncated=True, viewpoint=None),), "a": (CAR,)})
    pascal3d.write_image_set(pascal3d.image_set_path(tmp_path, "car", "train"), ["b"])
    pascal3d.write_image_set(pascal3d.image_set_path(tmp_path, "car", "val"), ["a"])
    (a, b), skipped, _ = training_instances(tmp_path, "car")
    assert skipped == {}
    assert (a.key, a.split, a.width, a.height, a.cad_index) == ("car/a", "train", WIDTH, HEIGHT, 3)
    assert a.box == (10.5, 5.5, 40.5, 25.5)
    assert a.viewpoint == viewpoint(VIEW)
    assert (b.viewpoint, b.truncated, a.truncated) == (None, True, False)


def test_of_several_objects_the_largest_of_the_category_is_taken(tmp_path):
    small, bus = replace(CAR, bbox=(1.0, 1.0, 9.0, 9.0)), replace(CAR, category="bus", bbox=(1.0, 1.0, 60.0, 40.0))
    # Its annotation is the largest, what the image shows of it is not.
    outlying = replace(CAR, bbox=(50.0, 1.0, 500.0, 20.0))
    write_training(tmp_path, {"a": (small, bus, outlying, CAR)})
    assert training_instances(tmp_path, "car").instances[0].box == (10.5, 5.5, 40.5, 25.5)


def test_boxes_are_clipped_to_the_image_and_skipped_outside_it(tmp_path):
    inside, outside = replace(CAR, bbox=(-10.0, 6.0, 41.0, 90.0)), replace(CAR, bbox=(70.0, 6.0, 90.0, 26.0))
    write_training(tmp_path, {"clipped": (inside,), "outside": (outside,)})
    (instance,), skipped, _ = training_instances(tmp_path, "car")
    assert instance.box == (0.0, 5.5, 40.5, HEIGHT)
    assert list(skipped) == ["outside"]
    assert "outside the image of 60 x 40" in skipped["outside"]


def test_images_without_photograph_or_object_are_skipped_with_the_reason(tmp_path):
    names = {"empty": (), "boxless": (replace(CAR, bbox=None),), "fine": (CAR,), "lost": (CAR,)}
    write_training(tmp_path, names)
    pascal3d.image_path(tmp_path, "car", "lost").unlink()
    found, skipped, _ = training_instances(tmp_path, "car")
    assert [item.name for item in found] == ["fine"]
    assert sorted(skipped) == ["boxless", "empty", "lost"]
    assert "lost.JPEG" in skipped["lost"]


def test_a_missing_size_is_taken_from_the_photograph(tmp_path):
    write_training(tmp_path, {"a": (CAR,)})
    pascal3d.write_record(pascal3d.annotation_path(tmp_path, "car", "a"), replace(RECORD, width=0, height=None))
    (instance,), _, _ = training_instances(tmp_path, "car")
    assert (instance.width, instance.height) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("keep", [0, 64, 127, 128, 200, -1])
def test_a_truncated_annotation_costs_one_record(keep, tmp_path):
    write_training(tmp_path, {"a": (CAR,), "b": (CAR,)})
    path = pascal3d.annotation_path(tmp_path, "car", "a")
    path.write_bytes(path.read_bytes()[:keep])
    found, skipped, _ = training_instances(tmp_path, "car")
    assert [item.name for item in found] == ["b"]
    assert re.match(r"Annotations/car_imagenet/a\.mat: expected .*Fetch", skipped["a"])
    with pytest.raises(InputError, match=r"a\.mat.*Fetch"):
        pascal3d.read_record(path)


@given(keep=st.floats(0, 1, exclude_max=True))
def test_no_truncation_reads_as_a_record(tmp_path_factory, keep):
    path = tmp_path_factory.mktemp("truncated") / "a.mat"
    pascal3d.write_record(path, RECORD)
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
    with pytest.raises(InputError, match=r"a\.mat"):
        pascal3d.read_record(path)


@pytest.mark.parametrize("content", [b"not a MATLAB file" * 40, bytes(600)])
def test_another_format_is_an_error_that_names_the_file(content, tmp_path):
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.mat.*Fetch"):
        pascal3d.read_record(tmp_path / "a.mat")


@pytest.mark.parametrize("content", [{"other": 1}, {"record": 1}, {"record": []}])
def test_a_file_without_a_record_is_an_error(content, tmp_path):
    scipy.io.savemat(tmp_path / "a.mat", content)
    with pytest.raises(InputError, match=r"a\.mat: expected"):
        pascal3d.read_record(tmp_path / "a.mat")


def test_missing_folders_lists_and_annotations_are_errors_that_say_what_to_do(tmp_path):
    with pytest.raises(InputError, match=r"car_imagenet.*data\.pascal3d"):
        training_instances(tmp_path, "car")
    write_training(tmp_path, {"a": (CAR,)})
    pascal3d.annotation_path(tmp_path, "car", "a").unlink()
    assert re.match(r"Annotations/car_imagenet/a\.mat.*Restore", training_instances(tmp_path, "car").skipped["a"])
    pascal3d.image_set_path(tmp_path, "car", "train").unlink()
    with pytest.raises(InputError, match=r"car_imagenet_train\.txt"):
        training_instances(tmp_path, "car")


NONSENSE = {
    "corners that are swapped": (replace(CAR, bbox=(41.0, 26.0, 11.0, 6.0)), "box .* is not one from its left top"),
    "a box without height": (replace(CAR, bbox=(11.0, 6.0, 41.0, 6.0)), "box .* is not one from its left top"),
    "no CAD model of that number": (replace(CAR, cad_index=0), "the CAD model 0, where the first is 1"),
    "angles beyond a turn": (replace(CAR, viewpoint=replace(VIEW, elevation=4000.0)), "elevation 4000, where degrees"),
    "coarse angles beyond a turn": (
        replace(CAR, viewpoint=replace(VIEW, azimuth_coarse=-361.0)),
        "azimuth_coarse -361",
    ),
    "a negative distance": (replace(CAR, viewpoint=replace(VIEW, distance=-1.0)), "distance -1, which is negative"),
}


@pytest.mark.parametrize(("item", "message"), NONSENSE.values(), ids=NONSENSE)
def test_an_object_that_makes_no_sense_is_passed_over(item, message, tmp_path):
    small = replace(CAR, bbox=(2.0, 2.0, 9.0, 9.0), cad_index=7)
    write_training(tmp_path, {"alone": (item,), "another": (item, small), "fine": (CAR,)})
    found, skipped, _ = training_instances(tmp_path, "car")
    assert [(entry.name, entry.cad_index) for entry in found] == [("another", 7), ("fine", 3)]
    assert list(skipped) == ["alone"] and re.search(message, skipped["alone"])


@pytest.mark.parametrize("field", ["cad_index", "width"])
def test_a_number_that_has_to_be_whole_costs_one_record(field, tmp_path):
    write_training(tmp_path, {"a": (CAR,)})
    path = pascal3d.annotation_path(tmp_path, "car", "a")
    part = {"class": "car", "bbox": [1.0, 2.0, 30.0, 20.0], "cad_index": 2.5 if field == "cad_index" else 2.0}
    size = {"width": 60.5 if field == "width" else 60.0, "height": 40.0}
    scipy.io.savemat(path, {"record": {"filename": "a.JPEG", "objects": part, "size": size}})
    assert re.search(
        r"a\.mat: expected a whole number, found \d+\.5\. Fetch", training_instances(tmp_path, "car").skipped["a"]
    )


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff\xe0 no picture", None])
def test_a_photograph_that_is_not_the_annotated_one_is_skipped(content, tmp_path):
    write_training(tmp_path, {"a": (CAR,), "b": (CAR,)})
    photo = pascal3d.image_path(tmp_path, "car", "a")
    if content is None:
        write_image(tmp_path / "x.jpg", np.zeros((HEIGHT, WIDTH - 1, 3), np.uint8))
        content = (tmp_path / "x.jpg").read_bytes()
    photo.write_bytes(content)
    found, skipped, _ = training_instances(tmp_path, "car")
    assert [item.name for item in found] == ["b"]
    assert re.search(
        r"a\.JPEG: expected a readable image|says 60 x 40 pixels, its photograph has 59 x 40", skipped["a"]
    )


@pytest.mark.parametrize("name", ["../../../etc/passwd", "/etc/passwd", "..", "a b", "a\0", "\xff"])
def test_a_list_entry_that_is_no_name_is_an_error_with_its_line(name, tmp_path):
    write_training(tmp_path, {"a": (CAR,)})
    path = pascal3d.image_set_path(tmp_path, "car", "train")
    path.write_bytes(b"a\n" + name.encode("latin-1") + b"\n")
    with pytest.raises(InputError, match=r"car_imagenet_train\.txt, line 2: expected"):
        training_instances(tmp_path, "car")


def test_a_link_that_leads_out_of_the_release_is_not_followed(tmp_path):
    root = tmp_path / "release"
    write_training(root, {"a": (CAR,), "b": (CAR,)})
    photo = pascal3d.image_path(root, "car", "a")
    photo.rename(tmp_path / "elsewhere.JPEG")
    photo.symlink_to(tmp_path / "elsewhere.JPEG")
    found, skipped, _ = training_instances(root, "car")
    assert [item.name for item in found] == ["b"]
    assert re.search(r"a\.JPEG: expected a file below .*found a link", skipped["a"])


def test_both_lists_count_and_a_name_counts_once(tmp_path):
    write_training(tmp_path, {"a": (CAR,), "b": (CAR,)})
    pascal3d.image_set_path(tmp_path, "car", "train").write_bytes(b"\xef\xbb\xbfb\r\n\r\n  b \r\n")
    pascal3d.write_image_set(pascal3d.image_set_path(tmp_path, "car", "val"), ["b", "a"])
    assert pascal3d.read_image_sets(tmp_path, "car") == ("a", "b")
    pascal3d.image_set_path(tmp_path, "car", "val").write_text("\n\n")
    with pytest.raises(InputError, match=r"car_imagenet_val\.txt: expected names, one a line, found none\. Restore"):
        pascal3d.read_image_sets(tmp_path, "car")


def test_an_unknown_category_is_an_error_with_the_nearest_name(tmp_path):
    with pytest.raises(InputError, match="Did you mean 'aeroplane'"):
        training_instances(tmp_path, "airplane")


def test_cad_models_round_trip_with_their_own_keypoints(tmp_path):
    rng = np.random.default_rng(0)
    faces = np.array([[0, 1, 2], [2, 3, 1]], np.int32)
    models = [
        CadModel(rng.normal(size=(4, 3)), faces, {"left_wheel": rng.normal(size=3), "roof": rng.normal(size=3)}),
        CadModel(rng.normal(size=(3, 3)), faces[:1], {"roof": rng.normal(size=3)}),
    ]
    for count in (1, 2):
        path = cad_path(tmp_path / str(count), "car")
        write_cad(path, models[:count])
        found = read_cad(path)
        assert len(found) == count
        for model, expected in zip(found, models, strict=False):
            np.testing.assert_array_equal(model.vertices, expected.vertices)
            np.testing.assert_array_equal(model.faces, expected.faces)
            assert model.keypoints.keys() == expected.keypoints.keys()
            for name, point in expected.keypoints.items():
                np.testing.assert_array_equal(model.keypoints[name], point)
        content = path.read_bytes()
        write_cad(path, models[:count])
        assert path.read_bytes() == content


def test_the_cad_file_is_a_struct_array_with_one_based_faces_and_a_field_for_each_keypoint(tmp_path):
    model = CadModel(np.zeros((3, 3)), np.array([[0, 1, 2]]), {"roof": np.ones(3)})
    write_cad(tmp_path / "car.mat", [model, model._replace(keypoints={})])
    models = scipy.io.loadmat(tmp_path / "car.mat")["car"]
    assert models.shape == (1, 2)
    np.testing.assert_array_equal(models["faces"][0, 0], [[1, 2, 3]])
    np.testing.assert_array_equal(models["roof"][0, 0], [[1, 1, 1]])
    assert models["roof"][0, 1].size == 0
    assert [str(name[0]) for name in models["pnames"][0, 1].ravel()] == ["roof"]


MESH = {"vertices": np.eye(3), "faces": np.array([[1.0, 2.0, 3.0]])}


@pytest.mark.parametrize(
    "content",
    [
        {"car": []},
        {"car": {"vertices": np.zeros((3, 3))}},
        {"bus": 1},
        {"car": {**MESH, "faces": np.array([[1, 2, 4]])}},
        {"car": {**MESH, "faces": np.array([[0, 1, 2]])}},
        {"car": {**MESH, "faces": np.array([[1, 2, 2.5]])}},
        {"car": {**MESH, "faces": np.array([[1, 2, 1e300]])}},
        {"car": {**MESH, "faces": "123"}},
        {"car": {**MESH, "vertices": np.full((3, 3), np.nan)}},
        {"car": {**MESH, "vertices": {"x": 1}}},
    ],
)
def test_a_cad_file_without_models_is_an_error_that_names_it(content, tmp_path):
    scipy.io.savemat(tmp_path / "car.mat", content)
    with pytest.raises(InputError, match=r"car\.mat: expected"):
        read_cad(tmp_path / "car.mat")


def test_a_missing_cad_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(InputError, match=r"car\.mat.*Restore"):
        read_cad(tmp_path / "car.mat")
