"""Decoding of the network's logits: angles, and the number of azimuths that look alike."""

import warnings
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64
from scipy.optimize import OptimizeWarning, curve_fit
from scipy.special import expit

from pipeline.labels.poses.orient_anything.network import AZIMUTHS, ELEVATIONS, LOGITS

# Limits of the released inference code (`val_fit_alpha` in inference.py of SpatialVision/Orient-Anything-V2).
SHARPNESS = {1: 0.6, 2: 0.5, 4: 0.25}
"""Smallest k of an accepted fit, by fold; folds are tried in this order."""
ACCEPTED_FIT = 0.45
"""Smallest R^2 of an accepted fit."""
CLEAR_FIT = 0.8
"""R^2 above which no further fold is tried."""
EPS = 1e-8

DEGREES = np.arange(AZIMUTHS) * (2 * np.pi / AZIMUTHS)


class Orientations(NamedTuple):
    """Orientations of N views, in whole degrees."""

    azimuth: Int64[np.ndarray, "N"]
    """Azimuth from 0 to 359."""
    elevation: Int64[np.ndarray, "N"]
    """Elevation from -90 to 89."""
    rotation: Int64[np.ndarray, "N"]
    """In-plane rotation from -180 to 179."""
    fold: Int64[np.ndarray, "N"]
    """Number of azimuths that look alike: 1, 2 or 4; 0 where there is no preferred one."""


class Fit(NamedTuple):
    """A symmetric distribution of azimuths fitted to a predicted one."""

    fold: int
    sharpness: float
    """k of the distribution."""
    r_squared: float


def decode(logits: Float[np.ndarray, f"N {LOGITS}"]) -> Orientations:
    """The likeliest bin of each angle, and the symmetry fold that the azimuth's logits show."""
    azimuth, elevation, rotation = np.split(logits, [AZIMUTHS, AZIMUTHS + ELEVATIONS], axis=1)
    return Orientations(
        azimuth.argmax(1),
        elevation.argmax(1) - 90,
        rotation.argmax(1) - 180,
        np.array([symmetry_fold(row) for row in azimuth], dtype=np.int64),
    )


def symmetry_fold(logits: Float[np.ndarray, f"{AZIMUTHS}"]) -> int:
    """Symmetry fold that logits show: 1 for a unique front, 2 or 4 for as many equal ones, 0 for no preferred one.

    The network was trained with a binary cross-entropy for each bin, so the distribution of the azimuth x is the
    sigmoid of its logits, scaled to the integral 1. To it each fold a fits exp(k cos(a (x - mu))) / (2 pi) by least
    squares, from mu at the largest bin and k = 1. The first fit with R^2 > CLEAR_FIT, or else the best, gives the fold
    if it is close and sharp enough. The fitted function is no density: one peak narrower than about 14 degrees
    (standard deviation) fits it badly too, and gives 0.
    """
    density = expit(logits.astype(np.float64))
    density /= density.mean() * 2 * np.pi + EPS
    fits: list[Fit] = []
    for fold in SHARPNESS:
        fits.append(_fit(density, fold))
        if fits[-1].r_squared > CLEAR_FIT:
            break
    best = max(fits, key=lambda fit: fit.r_squared)
    accepted = best.r_squared >= ACCEPTED_FIT and best.sharpness >= SHARPNESS[best.fold]
    return best.fold if accepted else 0


def _fit(density: Float[np.ndarray, f"{AZIMUTHS}"], fold: int) -> Fit:
    def model(x: np.ndarray, mu: float, k: float) -> np.ndarray:
        return np.exp(k * np.cos(fold * (x - mu))) / (2 * np.pi)

    def derivatives(x: np.ndarray, mu: float, k: float) -> np.ndarray:
        # Finite differences are lost in rounding where mu is near 0, the frontal view.
        phase = fold * (x - mu)
        return model(x, mu, k)[:, None] * np.stack([k * fold * np.sin(phase), np.cos(phase)], axis=1)

    start = [DEGREES[density.argmax()], 1.0]
    # A step too far may overflow; the fit takes it back.
    with warnings.catch_warnings(), np.errstate(over="ignore", invalid="ignore"):
        warnings.simplefilter("error", OptimizeWarning)
        try:
            (mu, k), _ = curve_fit(model, DEGREES, density, p0=start, jac=derivatives)
        except (RuntimeError, OptimizeWarning):
            return Fit(fold, 0.0, 0.0)
        residual = ((density - model(DEGREES, mu, k)) ** 2).sum()
    total = ((density - density.mean()) ** 2).sum()
    return Fit(fold, float(k), float(1 - residual / (total + EPS)))
