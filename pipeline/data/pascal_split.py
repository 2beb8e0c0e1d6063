"""Viewpoint and CAD model of SPair-71k's objects: the PASCAL split of PASCAL3D+ annotates the same photographs."""

from dataclasses import replace
from pathlib import Path

from pipeline.base.errors import InputError
from pipeline.data import pascal3d
from pipeline.data.coordinates import box_from_one_based, clip_box
from pipeline.data.imagenet_split import viewpoint
from pipeline.data.pascal3d_checks import problem
from pipeline.photographs.records import Box, Instance, intersection_over_union

MIN_OVERLAP = 0.5
"""Intersection over union from which two boxes are of one object, as in PASCAL VOC's detection task.

Both releases take their boxes from PASCAL VOC, so those of one object hardly differ.
"""


def with_pascal_annotation(root: Path, instance: Instance) -> Instance:
    """An instance of SPair-71k with the viewpoint and the CAD model that PASCAL3D+ annotates for its object.

    Of the annotated objects of the category it is the one whose box, clipped to the image, overlaps most with the
    instance's. Both stay unknown where the image has no annotation or no box overlaps by `MIN_OVERLAP` or more, and
    each where the annotation leaves it out.

    Args:
        root: PASCAL3D+.
        instance: its box lies inside the image.

    Raises:
        InputError: the annotation is damaged, or an object of the category in it makes no sense.
    """
    path = pascal3d.annotation_path(root, instance.category, instance.name, "pascal")
    if not path.is_file():
        return instance
    objects = [item for item in pascal3d.read_record(path).objects if item.category == instance.category and item.bbox]
    if reason := next((reason for item in objects if (reason := problem(item))), None):
        raise InputError(f"{path}: expected what an object can have, found {reason}. Fetch the file again.")
    overlaps = [
        (intersection_over_union(instance.box, box), item)
        for item in objects
        if (box := _visible_box(item, instance)) is not None
    ]
    overlap, item = max(overlaps, key=lambda entry: entry[0], default=(0.0, None))
    if item is None or overlap < MIN_OVERLAP:
        return instance
    return replace(instance, viewpoint=viewpoint(item.viewpoint), cad_index=item.cad_index)


def _visible_box(item: pascal3d.ObjectRecord, instance: Instance) -> Box | None:
    return item.bbox and clip_box(box_from_one_based(item.bbox), instance.width, instance.height)
