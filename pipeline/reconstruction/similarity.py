"""Similarity transforms and their closed-form fit to corresponding points (Umeyama, TPAMI 1991)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from pipeline.base.errors import InputError

ROUNDING = 1e-12
"""A spread of points up to this share of their coordinates is rounding: the points coincide."""


class Similarity(NamedTuple):
    """x -> scale * rotation @ x + translation."""

    scale: float
    rotation: Float[np.ndarray, "3 3"]
    """Proper: its determinant is 1."""
    translation: Float[np.ndarray, "3"]

    def apply(self, points: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 3"]:
        """The images of points, one in a row."""
        return self.scale * points @ self.rotation.T + self.translation

    def after(self, first: "Similarity") -> "Similarity":
        """The transform that applies `first`, then this one."""
        return Similarity(
            scale=self.scale * first.scale,
            rotation=self.rotation @ first.rotation,
            translation=self.scale * self.rotation @ first.translation + self.translation,
        )


def fit_similarity(source: Float[np.ndarray, "N 3"], target: Float[np.ndarray, "N 3"], with_scale: bool) -> Similarity:
    """The transform that minimises sum_i || target_i - (s R source_i + t) ||^2 over rotations R without reflection.

    With centred points, the covariance sum_i target_i source_i^T = U diag(d) V^T (d falling) and
    S = diag(1, 1, det(U) det(V)):

        R = U S V^T,    s = trace(diag(d) S) / sum_i || source_i ||^2  (or 1),    t = mean(target) - s R mean(source).

    Points in a plane determine R. On a line or in one point they leave it open: R is then one of the minimisers. Where
    all points of the source coincide, s is 1; where all of the target do, s is 0, as least squares demands.

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
