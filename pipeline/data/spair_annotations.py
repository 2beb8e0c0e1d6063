"""What the annotations of SPair-71k hold, in the release's order of fields and in 1-based integer pixels."""

from dataclasses import dataclass

KEYPOINT_SLOTS = 30
"""Slots "0" to "29" of an image annotation's `kps`."""

Number = int | float
Point = tuple[Number, Number]
Corners = tuple[Number, Number, Number, Number]
"""Box [xmin, ymin, xmax, ymax] in pixels from 1."""


@dataclass(frozen=True)
class ImageAnnotation:
    """One object of one image: `ImageAnnotation/<category>/<name>.json`."""

    filename: str
    src_database: str
    src_annotation: str
    src_image: str
    image_width: int
    image_height: int
    image_depth: int
    category: str
    pose: str
    """Side that is seen: 'Left', 'Right', 'Frontal', 'Rear' or 'Unspecified'."""
    truncated: int
    occluded: int
    difficult: int
    bndbox: Corners
    kps: dict[str, Point | None]
    """A point or None for each of the slots "0" to "29"; it may lie a little outside the box."""
    azimuth_id: int
    """Azimuth in eighths of a turn: floor(azimuth / 45 degrees)."""


@dataclass(frozen=True)
class PairAnnotation:
    """Two images and their common keypoints: `PairAnnotation/<split>/<filename>.json`."""

    pair_id: int
    filename: str
    src_imname: str
    trg_imname: str
    src_imsize: tuple[int, int, int]
    """Width, height, channels."""
    trg_imsize: tuple[int, int, int]
    src_bndbox: Corners
    trg_bndbox: Corners
    category: str
    src_pose: str
    trg_pose: str
    src_kps: tuple[Point, ...]
    trg_kps: tuple[Point, ...]
    kps_ids: tuple[str, ...]
    mirror: int
    viewpoint_variation: int
    scale_variation: int
    truncation: int
    """Truncated objects: 0 none, 1 source, 2 target, 3 both."""
    occlusion: int
    """Occluded objects: 0 none, 1 source, 2 target, 3 both."""
