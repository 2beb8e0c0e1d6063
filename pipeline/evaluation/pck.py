"""Percentage of correct keypoints, as SPair-71k defines it (`hpf`: data/dataset.py, model/evaluation.py)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from pipeline.base.errors import InputError
from pipeline.photographs.records import Box

TABLE_ALPHA = 0.1
"""Threshold of the paper's tables."""


class Pck(NamedTuple):
    """Shares in [0, 1] of the keypoints of one category that are correct."""

    per_image: float
    """Mean over the pairs of each pair's share; the number of the tables."""
    per_point: float
    """Share of all keypoints, pooled over the pairs."""


def keypoint_errors(predicted: Float[np.ndarray, "K 2"], truth: Float[np.ndarray, "K 2"]) -> Float[np.ndarray, "K"]:
    """Euclidean distances || p_pred - p_gt || in the unit of the points (pixels of the original target image)."""
    return np.hypot(*(predicted - truth).T)


def longer_side(box: Box) -> float:
    """max(h, w), by which the thresholds are scaled."""
    return float(max(box.height, box.width))


def is_correct(
    errors: Float[np.ndarray, "K"], target_sides: Float[np.ndarray, "K"], alpha: float
) -> Bool[np.ndarray, "K"]:
    """error <= alpha * max(h, w) of the TARGET's box, both in original pixels; the boundary counts as correct."""
    return errors <= alpha * target_sides


def pck(correct: Bool[np.ndarray, "K"], counts: Int[np.ndarray, "P"]) -> Pck:
    """Both averages over the pairs of one category.

    Args:
        correct: which keypoints are correct, pair after pair.
        counts: number of keypoints of each pair, one or more.

    Raises:
        InputError: there is no pair, or a pair without keypoints, whose share is undefined.
    """
    if len(counts) == 0 or counts.min() == 0:
        raise InputError(f"PCK needs pairs with keypoints; found {len(counts)} pairs, or one without keypoints.")
    found = np.add.reduceat(correct, np.cumsum(counts) - counts, dtype=np.int64)
    return Pck(float(np.mean(found / counts)), float(np.mean(correct)))
