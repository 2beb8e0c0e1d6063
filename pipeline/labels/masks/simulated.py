"""Masks simulated from the embedded benchmark's truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float

from pipeline.base.seeding import seeded
from pipeline.config.label_params import SimulatedMaskParams
from pipeline.config.workspace import Workspace
from pipeline.labels.masks import MaskLabel
from pipeline.labels.noise import smooth_field
from pipeline.photographs.photo import Photo
from pipeline.photographs.truth import read_truth, truth_path


@dataclass(frozen=True)
class SimulatedMasks:
    """The true mask with its boundary displaced by smooth noise.

    A pixel p belongs to the mask where d(p) + boundary_std n(p) > 0: d is the signed distance to the true boundary in
    pixels (positive inside) and n a Gaussian field of unit variance with the correlation length boundary_length.
    """

    params: SimulatedMaskParams
    seed: int

    def masks(self, photos: Sequence[Photo]) -> list[MaskLabel]:
        return [MaskLabel(self.mask(photo)) for photo in photos]

    def mask(self, photo: Photo) -> Bool[np.ndarray, "H W"]:
        instance = photo.instance
        mask = read_truth(truth_path(photo.path)).mask
        rng = seeded(self.seed, "mask", instance.key)
        height, width = mask.shape
        field = smooth_field(rng, 1, height, width, self.params.boundary_length)[0]
        return signed_distance(mask) + self.params.boundary_std * field > 0


def signed_distance(mask: Bool[np.ndarray, "H W"]) -> Float[np.ndarray, "H W"]:
    """Distance of each pixel centre to the boundary of `mask` in pixels, positive inside.

    The boundary lies half a pixel from the centres beside it; the frame of the image is no boundary.
    """
    return np.where(mask, _distance_to_zero(mask) - 0.5, 0.5 - _distance_to_zero(~mask)).astype(np.float64)


def _distance_to_zero(pixels: Bool[np.ndarray, "H W"]) -> np.ndarray:
    return cv2.distanceTransform(pixels.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def make(workspace: Workspace) -> SimulatedMasks:
    """The error model of `masks.simulated`, drawn with `simulation.seed`."""
    return SimulatedMasks(workspace.params.masks.simulated, workspace.params.simulation.seed)
