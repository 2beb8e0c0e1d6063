"""Similarity transforms and their closed-form fit to corresponding points (Umeyama, TPAMI 1991)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from pipeline.base.errors import InputError

ROUNDING = 1e-12
"""Points coincide if their RMS spread is at most this share of their largest coordinate, the order of rounding."""


class Similarity(NamedTuple):
    """Similarity transform x -> scale * rotation @ x + translation."""

    scale: float
    rotation: Float[np.ndarray, "3 3"]
    """Proper rotation, with determinant 1."""
    translation: Float[np.ndarray, "3"]

    def apply(self, points: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
        """Transform points, one in each row."""
        return self.scale * points @ self.rotation.T + self.translation

    def after(self, first: "Similarity") -> "Similarity":
        """Composition that applies `first`, then this transform."""
        return Similarity(
            scale=self.scale * first.scale,
            rotation=self.rotation @ first.rotation,
            translation=self.scale * self.rotation @ first.translation + self.translation,
        )


def fit_similarity(source: Float[np.ndarray, "N 3"], target: Float[np.ndarray, "N 3"], with_scale: bool) -> Similarity:
    """Fit the transform that minimises sum_i || target_i - (s R source_i + t) ||^2 over proper rotations R.

    With centred points, the covariance sum_i target_i source_i^T = U diag(d) V^T (d descending) and
    S = diag(1, 1, det(U) det(V)), the solution is

        R = U S V^T,    s = trace(diag(d) S) / sum_i || source_i ||^2  (or 1),    t = mean(target) - s R mean(source).

    Coplanar points determine R. Collinear or coincident points do not, and R is then one of the minimisers. If all
    source points coincide, s is 1. If all target points coincide, s is 0, the least-squares solution.

    Args:
        with_scale: whether s is fitted too; otherwise it is 1.

    Raises:
        InputError: there is no pair of points.
    """
    if len(source) == 0:
        raise InputError("A similarity is fitted to pairs of points; found none. Give at least one pair.")
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    centred = source - source_mean
    spread = float(np.square(centred).sum())
    u, d, vt = np.linalg.svd((target - target_mean).T @ centred)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = (u * signs) @ vt
    coincident = spread <= len(source) * (ROUNDING * np.abs(source).max()) ** 2
    scale = float(d @ signs) / spread if with_scale and not coincident else 1.0
    return Similarity(scale, rotation, target_mean - scale * rotation @ source_mean)
