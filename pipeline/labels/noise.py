"""Random fields of the simulated labels, smooth over the image plane where errors are."""

import math

import numpy as np
from jaxtyping import Float


def smooth_field(
    rng: np.random.Generator, channels: int, height: int, width: int, length: float
) -> Float[np.ndarray, "{channels} {height} {width}"]:
    """Stationary Gaussian fields of mean 0 and variance 1, each channel independent.

    The correlation of two pixels at distance d is exp(-d^2 / (2 length^2)): white noise filtered by a Gaussian of
    standard deviation length / sqrt(2). Length 0 is white noise.
    """
    rows, columns = _filters(height, length), _filters(width, length)
    white = rng.standard_normal((channels, rows.shape[1], columns.shape[1]))
    return rows @ white @ columns.T


def _filters(count: int, length: float) -> np.ndarray:
    """One Gaussian filter of unit norm for each of `count` pixels, [count, count + 2 reach]."""
    if length <= 0:
        return np.eye(count)
    std = length / math.sqrt(2)
    # The noise reaches beyond the image, so that the variance is the same at its border.
    reach = math.ceil(4 * std)
    offset = np.arange(count + 2 * reach)[None, :] - reach - np.arange(count)[:, None]
    weights = np.where(abs(offset) <= reach, np.exp(-0.5 * (offset / std) ** 2), 0.0)
    return weights / np.linalg.norm(weights[0])
