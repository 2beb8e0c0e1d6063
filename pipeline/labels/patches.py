"""Square patches of a crop: averages over them, and how much of each the object covers."""

import numpy as np
from jaxtyping import Bool, Float

from pipeline.photographs.crops import Crop, sample_crop

SAMPLES = 4
"""Samples along each side of a patch: a patch of the default grid covers 4 to 14 pixels of a photograph."""


def patch_means(values: Float[np.ndarray, "S S *C"], grid: int) -> Float[np.ndarray, "{grid} {grid} *C"]:
    """Mean of `values` over each of `grid` x `grid` patches; S is a multiple of `grid`."""
    side = values.shape[0] // grid
    return values.reshape(grid, side, grid, side, *values.shape[2:]).mean((1, 3))


def patch_coverage(mask: Bool[np.ndarray, "H W"], crop: Crop, grid: int) -> Float[np.ndarray, "{grid} {grid}"]:
    """Share of each patch of `crop` that lies on `mask` (original pixels); nothing beyond the image does."""
    return patch_means(sample_crop(mask.astype(np.float32), crop, grid * SAMPLES, smooth=False), grid)
