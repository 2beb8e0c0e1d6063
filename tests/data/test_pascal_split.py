from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.data import pascal3d
from pipeline.data.imagenet_split import viewpoint
from pipeline.data.pascal_split import with_pascal_annotation
from pipeline.photographs.records import Box, Instance, intersection_over_union
from support.releases import CAR, HEIGHT, VIEW, WIDTH, write_pascal

INSTANCE = Instance(
    category="car",
    name="a",
    split="test",
    image="a.jpg",
    width=WIDTH,
    height=HEIGHT,
    box=Box(10.5, 5.5, 40.5, 25.5),
    truncated=False,
    occluded=False,
    difficult=False,
    viewpoint=None,
    cad_index=None,
)
OTHER = replace(CAR, cad_index=1, viewpoint=replace(VIEW, azimuth=200.0))
BOXES = st.tuples(*[st.tuples(st.integers(0, 11), st.integers(1, 12)).filter(lambda side: side[0] < side[1])] * 2)


def found(tmp_path, *objects, instance=INSTANCE):
    write_pascal(tmp_path, {"a": objects})
    return with_pascal_annotation(tmp_path, instance)


def test_viewpoint_and_model_are_added_and_nothing_else_changes(tmp_path):
    assert found(tmp_path, CAR) == replace(INSTANCE, viewpoint=viewpoint(VIEW), cad_index=3)


def test_of_several_objects_the_one_that_overlaps_most_is_taken(tmp_path):
    shifted, whole = replace(OTHER, bbox=(14.0, 6.0, 44.0, 26.0)), replace(OTHER, bbox=(1.0, 1.0, 60.0, 40.0))
    bus, boxless = replace(OTHER, category="bus"), replace(OTHER, bbox=None)
    for order in ((shifted, whole, bus, boxless, CAR), (CAR, boxless, bus, whole, shifted)):
        assert found(tmp_path, *order).cad_index == 3
    # With the object itself gone, the neighbour that overlaps by 0.82 is taken for it.
    assert found(tmp_path, whole, shifted, bus, boxless).viewpoint.azimuth == 200.0


@pytest.mark.parametrize(("ymax", "taken"), [(16.0, True), (15.9, False), (46.0, True), (46.1, False)])
def test_boxes_are_of_one_object_from_an_overlap_of_one_half(ymax, taken, tmp_path):
    # The instance's box is 20 pixels high, the annotation's ymax - 6.
    instance = replace(INSTANCE, height=60)
    item = found(tmp_path, replace(CAR, bbox=(11.0, 6.0, 41.0, ymax)), instance=instance)
    assert (item.viewpoint, item.cad_index) == ((viewpoint(VIEW), 3) if taken else (None, None))


def test_boxes_are_compared_within_the_image(tmp_path):
    instance = replace(INSTANCE, box=Box(30.5, 5.5, float(WIDTH), 25.5))
    assert found(tmp_path, replace(CAR, bbox=(31.0, 6.0, 300.0, 26.0)), instance=instance).cad_index == 3
    assert found(tmp_path, replace(CAR, bbox=(70.0, 6.0, 300.0, 26.0)), instance=instance) == instance


def test_what_the_annotation_leaves_out_stays_unknown(tmp_path):
    # A second object that has it, and overlaps less, does not stand in.
    neighbour = replace(OTHER, bbox=(12.0, 6.0, 42.0, 26.0))
    for missing in (None, pascal3d.ViewpointRecord(*[None] * 10)):
        item = found(tmp_path, neighbour, replace(CAR, viewpoint=missing))
        assert (item.viewpoint, item.cad_index) == (None, 3)
    item = found(tmp_path, replace(CAR, cad_index=None), neighbour)
    assert (item.viewpoint, item.cad_index) == (viewpoint(VIEW), None)
    assert found(tmp_path) == INSTANCE


def test_an_image_without_annotation_stays_as_it_is(tmp_path):
    assert with_pascal_annotation(tmp_path, INSTANCE) == INSTANCE
    write_pascal(tmp_path, {"b": (CAR,)})
    assert with_pascal_annotation(tmp_path, INSTANCE) == INSTANCE
    # The ImageNet split is another set of photographs.
    pascal3d.write_record(
        pascal3d.annotation_path(tmp_path, "car", "a"), pascal3d.ImageRecord("a.JPEG", WIDTH, HEIGHT, (CAR,))
    )
    assert with_pascal_annotation(tmp_path, INSTANCE) == INSTANCE


@pytest.mark.parametrize("keep", [0, 128, 200, -1])
def test_a_damaged_annotation_is_an_error_that_names_the_file(keep, tmp_path):
    write_pascal(tmp_path, {"a": (CAR,)})
    path = pascal3d.annotation_path(tmp_path, "car", "a", "pascal")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"car_pascal/a\.mat.*Fetch"):
        with_pascal_annotation(tmp_path, INSTANCE)


@given(BOXES, BOXES)
def test_intersection_over_union_counts_pixels(a, b):
    masks = np.zeros((2, 12, 12), bool)
    for mask, ((x0, x1), (y0, y1)) in zip(masks, (a, b), strict=True):
        mask[y0:y1, x0:x1] = True
    one, other = (Box(float(x0), float(y0), float(x1), float(y1)) for (x0, x1), (y0, y1) in (a, b))
    expected = (masks[0] & masks[1]).sum() / (masks[0] | masks[1]).sum()
    assert intersection_over_union(one, other) == pytest.approx(expected, abs=1e-12)
    assert intersection_over_union(one, other) == intersection_over_union(other, one)


@pytest.mark.parametrize("changes", [{"bbox": (41.0, 26.0, 11.0, 6.0)}, {"cad_index": -2}])
def test_an_object_that_makes_no_sense_is_an_error_that_names_the_file(changes, tmp_path):
    for objects in ((replace(CAR, **changes),), (CAR, replace(CAR, **changes))):
        with pytest.raises(InputError, match=r"car_pascal/a\.mat: expected what an object can have, found .*Fetch"):
            found(tmp_path, *objects)
    # Of another category it is not asked for.
    assert found(tmp_path, CAR, replace(CAR, **changes, category="bus")).cad_index == 3
