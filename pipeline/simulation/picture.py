"""One annotated picture of the embedded benchmark, before it is written in the format of a release."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from pipeline.config.params import Simulation
from pipeline.photographs.truth import Truth
from pipeline.rendering.rasterizer import Rasterizer
from pipeline.simulation.framing import Framing, frame
from pipeline.simulation.keypoints import Keypoint, locate
from pipeline.simulation.scene import Photograph, photograph
from pipeline.simulation.shapes.shape import Shape
from pipeline.simulation.viewpoints import Angles


class Specimen(NamedTuple):
    """A shape of a category's pool."""

    shape: Shape
    semantic: Float32[np.ndarray, "V 3"]
    """Semantic coordinate of each vertex."""
    cad_index: int
    """Number of its CAD model, from 1."""


class Picture(NamedTuple):
    """A photograph and everything the releases annotate of it."""

    photo: Photograph
    framing: Framing
    keypoints: dict[str, Keypoint]
    truncated: bool
    occluded: bool
    cad_index: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Box [xmin, ymin, xmax, ymax] of the visible pixels, from 1, the last ones included, as in PASCAL VOC."""
        mask = self.photo.mask
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        return int(columns[0]) + 1, int(rows[0]) + 1, int(columns[-1]) + 1, int(rows[-1]) + 1

    def truth(self, fold: int) -> Truth:
        """The sidecar; `fold` is the rotational symmetry of the category."""
        view = self.framing.view
        pose = np.array([view.azimuth, view.elevation, view.theta, view.distance])
        return Truth(self.photo.mask, self.photo.depth, pose, self.photo.surface, fold)


def take_picture(
    specimen: Specimen, angles: Angles, params: Simulation, rng: np.random.Generator, rasterizer: Rasterizer
) -> Picture:
    """Photograph a shape from `angles`; a draw decides whether it is truncated, and whether it is occluded."""
    truncated = bool(rng.random() < params.truncated_share)
    occluded = bool(rng.random() < params.occluded_share)
    shape = specimen.shape
    framing = frame(shape.vertices.astype(np.float64), angles, params.image_size, truncated, rng)
    photo = photograph(shape, specimen.semantic, framing, occluded, rng, rasterizer)
    keypoints = locate(shape.keypoints, framing, photo)
    return Picture(photo, framing, keypoints, truncated, occluded, specimen.cad_index)
