"""The embedded benchmark's evaluation half, in the format of SPair-71k."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from pipeline.data.coordinates import to_one_based_integers
from pipeline.data.spair import (
    annotation_path,
    image_path,
    pair_filename,
    pair_path,
    segmentation_path,
    write_image_annotation,
    write_pair_annotation,
)
from pipeline.data.spair_annotations import KEYPOINT_SLOTS, ImageAnnotation, PairAnnotation, Point
from pipeline.photographs.image_files import write_image, write_mask
from pipeline.simulation.keypoints import Status
from pipeline.simulation.picture import Picture

MIN_SHARED = 3
"""Keypoints that two images must share to become a pair."""
SMALL_SHARE = 5
"""One in so many pairs is in the small lists too, as in the release."""
POSES = ("Frontal", "Left", "Rear", "Right")
"""Side that is seen at azimuth 0, 90, 180 and 270 degrees; 90 degrees turns the front to image-left."""


def write_picture(root: Path, category: str, name: str, picture: Picture, names: Sequence[str]) -> ImageAnnotation:
    """Write photograph, annotation and segmentation; `names` are the category's keypoints in the order of the slots."""
    path = image_path(root, category, name)
    write_image(path, picture.photo.image)
    write_mask(segmentation_path(root, category, name), picture.photo.mask)
    annotation = annotate(category, path.name, picture, names)
    write_image_annotation(annotation_path(root, category, name), annotation)
    return annotation


def write_pairs(
    root: Path,
    split: str,
    annotations: Mapping[str, ImageAnnotation],
    count: int,
    first_id: int,
    rng: np.random.Generator,
) -> list[str]:
    """Draw up to `count` pairs of one category's images, both directions of each, and write their annotations.

    Args:
        annotations: annotation by the name of the image.
        first_id: number of the first pair.

    Returns:
        The stems of the annotations; those of the two directions follow each other.
    """
    candidates = [
        names for names in combinations(sorted(annotations), 2) if len(_shared(annotations, *names)) >= MIN_SHARED
    ]
    chosen = rng.permutation(len(candidates))[: count // 2]
    filenames = []
    for one, other in (candidates[i] for i in sorted(chosen.tolist())):
        for source, target in ((one, other), (other, one)):
            pair = annotate_pair(first_id + len(filenames), annotations, source, target)
            write_pair_annotation(pair_path(root, split, pair.filename), pair)
            filenames.append(pair.filename)
    return filenames


def small(filenames: Sequence[str]) -> list[str]:
    """The pairs of the small list: both directions of one pair in `SMALL_SHARE`."""
    return [filename for i, filename in enumerate(filenames) if i // 2 % SMALL_SHARE == 0]


def annotate(category: str, filename: str, picture: Picture, names: Sequence[str]) -> ImageAnnotation:
    """The annotation of a picture: 1-based integer pixels; keypoints that are not seen are null."""
    slots = dict.fromkeys(map(str, range(KEYPOINT_SLOTS)))
    for slot, name in zip(slots, names, strict=False):
        keypoint = picture.keypoints.get(name)
        if keypoint is not None and keypoint.status == Status.VISIBLE:
            slots[slot] = tuple(to_one_based_integers([keypoint.x, keypoint.y]).tolist())
    azimuth = picture.framing.view.azimuth
    return ImageAnnotation(
        filename=filename,
        src_database="Embedded benchmark",
        src_annotation="Embedded benchmark",
        src_image="rendered",
        image_width=picture.framing.width,
        image_height=picture.framing.height,
        image_depth=3,
        category=category,
        pose=POSES[round(azimuth / 90) % 4],
        truncated=int(picture.truncated),
        occluded=int(picture.occluded),
        difficult=0,
        bndbox=picture.box,
        kps=slots,
        azimuth_id=int(azimuth // 45),
    )


def annotate_pair(pair_id: int, annotations: Mapping[str, ImageAnnotation], source: str, target: str) -> PairAnnotation:
    """The annotation of a pair of one category's images, given by their names."""
    a, b = annotations[source], annotations[target]
    shared = _shared(annotations, source, target)
    return PairAnnotation(
        pair_id=pair_id,
        filename=pair_filename(pair_id, source, target, a.category),
        src_imname=a.filename,
        trg_imname=b.filename,
        src_imsize=(a.image_width, a.image_height, 3),
        trg_imsize=(b.image_width, b.image_height, 3),
        src_bndbox=a.bndbox,
        trg_bndbox=b.bndbox,
        category=a.category,
        src_pose=a.pose,
        trg_pose=b.pose,
        src_kps=tuple(point for point, _ in shared.values()),
        trg_kps=tuple(point for _, point in shared.values()),
        kps_ids=tuple(shared),
        mirror=0,
        viewpoint_variation=_viewpoint_variation(a, b),
        scale_variation=_scale_variation(a, b),
        truncation=a.truncated + 2 * b.truncated,
        occlusion=a.occluded + 2 * b.occluded,
    )


def _shared(annotations: Mapping[str, ImageAnnotation], one: str, other: str) -> dict[str, tuple[Point, Point]]:
    """The points of both images in the slots that both fill, by slot."""
    b = annotations[other].kps
    filled = ((slot, point, b[slot]) for slot, point in annotations[one].kps.items())
    return {slot: (p, q) for slot, p, q in filled if p is not None and q is not None}


def _viewpoint_variation(a: ImageAnnotation, b: ImageAnnotation) -> int:
    """Difficulty of the viewpoints: 0 for azimuths at most one bin of 45 degrees apart, 1 for two bins, 2 for more."""
    apart = abs(a.azimuth_id - b.azimuth_id)
    return min(max(min(apart, 8 - apart) - 1, 0), 2)


def _scale_variation(a: ImageAnnotation, b: ImageAnnotation) -> int:
    """Difficulty of the scales: areas of the boxes that differ by a factor below 2 give 0 (easy), below 4 1, more 2."""
    areas = sorted((c.bndbox[2] - c.bndbox[0] + 1) * (c.bndbox[3] - c.bndbox[1] + 1) for c in (a, b))
    return int(areas[1] >= 2 * areas[0]) + int(areas[1] >= 4 * areas[0])
