"""Annotations of photographs before any learning: object instances and pairs with common keypoints.

Pixel coordinates are continuous: x to the right, y down, the centre of the top left pixel at (0.5, 0.5).
The releases' 1-based integer coordinates c become c - 0.5.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

DEFAULT_FOCAL = 1.0
DEFAULT_VIEWPORT = 3000.0
"""Camera of PASCAL3D+ where an annotation does not state another one."""


class Box(NamedTuple):
    """Axis-aligned rectangle in continuous pixels of the original image."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def width(self) -> float:
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def centre(self) -> tuple[float, float]:
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2


def intersection_over_union(a: Box, b: Box) -> float:
    """Area that two boxes of positive area share, as a share of the area that they cover together."""
    width = min(a.x1, b.x1) - max(a.x0, b.x0)
    height = min(a.y1, b.y1) - max(a.y0, b.y0)
    shared = max(width, 0.0) * max(height, 0.0)
    return shared / (a.width * a.height + b.width * b.height - shared)


def bounding_box(mask: Bool[np.ndarray, "H W"]) -> Box:
    """The smallest box round the pixels of a mask that is not empty, in continuous pixels."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return Box(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))


class Viewpoint(NamedTuple):
    """PASCAL3D+ viewpoint annotation (see `pipeline.photographs.cameras`).

    Angles in degrees; `distance` in CAD units; focal length in pixels = viewport * focal;
    (px, py) is the pixel on which the CAD origin falls.
    """

    azimuth: float
    elevation: float
    theta: float
    distance: float
    focal: float
    px: float
    py: float
    viewport: float


@dataclass(frozen=True)
class Instance:
    """One annotated object in one photograph."""

    category: str
    name: str
    """Stem of the image file, unique within a category."""
    split: str
    """'train' to learn from the photograph, or a split for evaluation: 'trn', 'val' or 'test'."""
    image: str
    """Path of the photograph, relative to the folder of params.yaml or absolute."""
    width: int
    height: int
    box: Box
    truncated: bool
    occluded: bool
    difficult: bool
    viewpoint: Viewpoint | None
    """Annotated viewpoint; None where there is none. For evaluation only: no label or training code reads it."""
    cad_index: int | None
    """Number of the annotated CAD model, from 1; None where there is none. For evaluation only."""

    @property
    def key(self) -> str:
        """The instance's name among those of all categories."""
        return f"{self.category}/{self.name}"

    @property
    def training(self) -> bool:
        """Whether models learn from this instance; the others are for evaluation."""
        return self.split == "train"


@dataclass(frozen=True)
class Pair:
    """Two images of one category with the keypoints visible in both, in the same order."""

    category: str
    source: str
    """Name of the source instance."""
    target: str
    keypoint_ids: tuple[str, ...]
    source_keypoints: Float[np.ndarray, "K 2"]
    """Continuous pixels of the original source image."""
    target_keypoints: Float[np.ndarray, "K 2"]
    source_box: Box
    target_box: Box
    truncation: int
    """Truncated objects: 0 none, 1 source, 2 target, 3 both."""
