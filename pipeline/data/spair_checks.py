"""What must be true of SPair-71k's annotations, so that their boxes and keypoints can be scored.

A file that contradicts its name, another file or itself is an error: it was damaged or mixed up, and leaving it out
would change the benchmark. An image annotation whose box or keypoints cannot be those of an object in its image is
skipped with its pairs, and the stage `instances` records it: the release itself says so, and one image must not stop
the others. A box or a keypoint may lie `OUTSIDE` the image, and a keypoint outside its box as far as
`pipeline.data.coordinates.reaches` says. Pairs whose images have no annotation are compared with none.

Not checked is what nothing depends on: pose, azimuth, mirror, variations of scale and viewpoint, and the names of the
sources. `pose` has to agree nevertheless.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.base.errors import InputError
from pipeline.base.inside import is_name
from pipeline.data.coordinates import box_from_one_based, reaches
from pipeline.data.spair_annotations import KEYPOINT_SLOTS, ImageAnnotation, PairAnnotation

OUTSIDE = 1
"""Pixels by which a box or a keypoint may lie outside the image, as some tools count from 0."""
FARTHEST = 1_000_000
"""Largest coordinate and side of an image, in pixels."""
SLOTS = frozenset(map(str, range(KEYPOINT_SLOTS)))


def check_image(path: Path, annotation: ImageAnnotation) -> None:
    """Check one image annotation against its file's name, and the range of each value.

    Raises:
        InputError: a field has a value that it cannot have.
    """
    a = annotation
    _require(path, "filename", Path(a.filename).stem == path.stem, a.filename, f"{path.stem}.jpg")
    _require(path, "category", a.category == path.parent.name, a.category, f"'{path.parent.name}', as its folder says")
    for name in ("image_width", "image_height"):
        _require(path, name, 1 <= getattr(a, name) <= FARTHEST, getattr(a, name), "a number of pixels")
    for name in ("truncated", "occluded", "difficult"):
        _require(path, name, getattr(a, name) in (0, 1), getattr(a, name), "0 or 1")
    _require(path, "kps", a.kps.keys() <= SLOTS, sorted(a.kps.keys() - SLOTS), f"the keys 0 to {KEYPOINT_SLOTS - 1}")
    _require(path, "bndbox", _near(a.bndbox), a.bndbox, "places in pixels")
    for slot, point in a.kps.items():
        _require(path, f"kps.{slot}", point is None or _near(point), point, "a place in pixels")


def check_pair(path: Path, annotation: PairAnnotation, stem: str) -> None:
    """Check one pair annotation against its file's name, and the range of each value.

    Args:
        stem: name of the file that the annotation's number, images and category give.

    Raises:
        InputError: a field has a value that it cannot have, or lists that belong together are not equally long.
    """
    a = annotation
    if not len(a.src_kps) == len(a.trg_kps) == len(a.kps_ids):
        raise InputError(
            f"{path}: expected as many source as target keypoints and ids, found {len(a.src_kps)}, {len(a.trg_kps)} "
            f"and {len(a.kps_ids)}. Fetch the file again."
        )
    for name in ("src_imname", "trg_imname"):
        _require(path, name, is_name(getattr(a, name)), getattr(a, name), "the name of an image file")
    _require(path, "filename", a.filename == path.stem, a.filename, path.stem)
    if stem != path.stem:
        raise InputError(
            f"{path}: expected pair_id, src_imname, trg_imname and category that give the file's name, found those of "
            f"{stem[:300]}. Fetch the file again."
        )
    unique = len(set(a.kps_ids)) == len(a.kps_ids) and SLOTS.issuperset(a.kps_ids)
    _require(path, "kps_ids", unique, a.kps_ids, f"ids from 0 to {KEYPOINT_SLOTS - 1}, each once")
    for name in ("truncation", "occlusion"):
        _require(path, name, getattr(a, name) in range(4), getattr(a, name), "0, 1, 2 or 3")
    for side in ("src", "trg"):
        box, points = getattr(a, f"{side}_bndbox"), getattr(a, f"{side}_kps")
        _require(path, f"{side}_bndbox", _near(box), box, "places in pixels")
        _require(path, f"{side}_kps", all(map(_near, points)), points, "places in pixels")


def check_agreement(path: Path, pair: PairAnnotation, images: Mapping[str, ImageAnnotation | None]) -> None:
    """Check that a pair says of its images what their own annotations say.

    Args:
        path: file of the pair annotation.
        images: annotations of the images 'src' and 'trg'; None where there is none.

    Raises:
        InputError: the two contradict each other, so that it is not clear what is to be scored.
    """
    for side, image in images.items():
        if image is None:
            continue
        said = {
            f"{side}_imsize": (image.image_width, image.image_height, image.image_depth),
            f"{side}_bndbox": image.bndbox,
            f"{side}_pose": image.pose,
            "category": image.category,
            f"{side}_kps": tuple(image.kps.get(slot) for slot in pair.kps_ids),
        }
        for name, expected in said.items():
            found = getattr(pair, name)
            _require(path, name, found == expected, found, f"{expected}, as the annotation of {image.filename} says")
    source, target = images["src"], images["trg"]
    if source is not None and target is not None:
        for name, code in (
            ("truncation", source.truncated + 2 * target.truncated),
            ("occlusion", source.occluded + 2 * target.occluded),
        ):
            found = getattr(pair, name)
            _require(path, name, found == code, found, f"{code}, as the annotations of its images say")


def problem(annotation: ImageAnnotation) -> str | None:
    """Why the box or the keypoints of an image annotation cannot be those of an object in it; None where they can."""
    width, height = annotation.image_width, annotation.image_height
    box = box_from_one_based(annotation.bndbox)
    if box.width <= 0 or box.height <= 0:
        return f"box {list(annotation.bndbox)} is not one from its left top corner to its right bottom one"
    x0, y0, x1, y1 = annotation.bndbox
    if min(x0, y0) < 1 - OUTSIDE or x1 > width + OUTSIDE or y1 > height + OUTSIDE:
        return f"box {list(annotation.bndbox)} outside the image of {width} x {height} pixels"
    for slot, point in annotation.kps.items():
        if point is None:
            continue
        x, y = point
        if not (1 - OUTSIDE <= x <= width + OUTSIDE and 1 - OUTSIDE <= y <= height + OUTSIDE):
            return f"keypoint {slot} {list(point)} outside the image of {width} x {height} pixels"
        if not reaches(box, x - 0.5, y - 0.5):
            return f"keypoint {slot} {list(point)} far outside the box {list(annotation.bndbox)}"
    return None


def _near(values: tuple[float, ...]) -> bool:
    return all(abs(value) <= FARTHEST for value in values)


def _require(path: Path, field: str, valid: bool, found: Any, expected: str) -> None:
    if not valid:
        raise InputError(
            f"{path}: expected the field '{field}' to be {expected[:300]}, found {str(found)[:300]}. Fetch the file "
            "again."
        )
