"""Patch features of any photograph by dense SIFT (Lowe 2004; Liu, Yuen, Torralba 2011), no weights."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32

from pipeline.config.label_params import SiftParams
from pipeline.config.workspace import Workspace
from pipeline.photographs.crops import Crop, sample_crop
from pipeline.photographs.photo import Photo

KEYPOINT_SIZE = 3.2
"""Twice the blur (1.6 pixels) of the first level of OpenCV's scale space, the one that describes given keypoints."""
REGION = 6.0
"""Diameter of the region that OpenCV describes, in keypoint sizes: 4 cells of 3 scales, a scale being half a size."""


@dataclass(frozen=True)
class SiftFeatures:
    """Upright SIFT descriptors at the patch centres, with RootSIFT normalisation (Arandjelovic, Zisserman 2012).

    The crop is resampled so that `support` patches are as wide as the region of a keypoint whose size fits the blur
    of the scale space's first level. Patches without any texture have the descriptor 0.
    """

    params: SiftParams
    grid: int

    def token_maps(
        self, photos: Sequence[Photo], crops: Sequence[Crop], flip: bool
    ) -> list[Float32[np.ndarray, "T T D"]]:
        return [self.tokens(photo, crop, flip) for photo, crop in zip(photos, crops, strict=True)]

    def tokens(self, photo: Photo, crop: Crop, flip: bool) -> Float32[np.ndarray, "T T D"]:
        size = round(self.grid * REGION * KEYPOINT_SIZE / self.params.support)
        pixels = cv2.cvtColor(sample_crop(photo.image, crop, size), cv2.COLOR_RGB2GRAY)
        if flip:
            pixels = np.ascontiguousarray(pixels[:, ::-1])
        # OpenCV's pixel centres are integers.
        centres = (np.arange(self.grid) + 0.5) * size / self.grid - 0.5
        keypoints = [cv2.KeyPoint(float(x), float(y), KEYPOINT_SIZE, 0.0) for y in centres for x in centres]
        # OpenCV's type stubs lack SIFT_create.
        _, descriptors = cv2.SIFT_create().compute(pixels, keypoints)  # pyright: ignore[reportAttributeAccessIssue]
        return root_sift(descriptors).reshape(self.grid, self.grid, -1)


def root_sift(descriptors: Float32[np.ndarray, "N D"]) -> Float32[np.ndarray, "N D"]:
    """Square roots of the descriptors scaled to sum 1, so that dot products are Bhattacharyya coefficients."""
    total = descriptors.sum(-1, keepdims=True)
    return np.sqrt(descriptors / np.maximum(total, 1e-12)).astype(np.float32)


def make(workspace: Workspace) -> SiftFeatures:
    """Dense SIFT with the parameters of `features.sift`."""
    features = workspace.params.features
    return SiftFeatures(features.sift, features.grid)
