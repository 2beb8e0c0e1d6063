"""What is known of an image before any learning: object instances and keypoint pairs.

Pixel coordinates are continuous: x to the right, y down, the centre of the top left pixel at (0.5, 0.5).
The releases' 1-based integer coordinates c become c - 0.5.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float


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
    """'train' for the PASCAL3D+ ImageNet split, or the SPair-71k split: 'trn', 'val' or 'test'."""
    image: str
    """Path of the photograph, relative to the working directory of the pipeline or absolute."""
    width: int
    height: int
    box: Box
    truncated: bool
    occluded: bool
    difficult: bool
    viewpoint: Viewpoint | None
    """Annotated viewpoint where PASCAL3D+ has one. For evaluation only: no label or training code reads it."""
    cad_index: int | None
    """1-based index of the annotated CAD model. For evaluation only."""

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
    """0 none, 1 source, 2 target, 3 both."""
