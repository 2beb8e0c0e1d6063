"""Percentage of correct keypoints, as SPair-71k defines it (`hpf`: data/dataset.py, model/evaluation.py)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from pipeline.base.errors import InputError
from pipeline.photographs.records import Box

TABLE_ALPHA = 0.1
"""Threshold alpha of the paper's tables."""


class Pck(NamedTuple):
    """Percentage of correct keypoints of one category, as shares in [0, 1]."""

    per_image: float
    """Mean over the pairs of the share of correct keypoints. The tables report this one."""
    per_point: float
    """Share of correct keypoints, pooled over the pairs."""


def keypoint_errors(predicted: Float[np.ndarray, "K 2"], truth: Float[np.ndarray, "K 2"]) -> Float[np.ndarray, "K"]:
    """Euclidean distances || p_pred - p_gt || in the unit of the points (pixels of the original target image)."""
    return np.hypot(*(predicted - truth).T)


def longer_side(box: Box) -> float:
    """Longer side max(h, w) of a box, which scales the thresholds."""
    return float(max(box.height, box.width))


def is_correct(
    errors: Float[np.ndarray, "K"], target_sides: Float[np.ndarray, "K"], alpha: float
) -> Bool[np.ndarray, "K"]:
    """Whether each keypoint is correct: error <= alpha * max(h, w) of the TARGET's box, in original pixels."""
    return errors <= alpha * target_sides


def pck(correct: Bool[np.ndarray, "K"], counts: Int[np.ndarray, "P"]) -> Pck:
    """Average correct keypoints over the pairs of one category, per image and per point.

    Args:
        correct: whether each keypoint is correct, concatenated over the pairs.
        counts: number of keypoints of each pair, one or more.

    Raises:
        InputError: there is no pair, or a pair has no keypoints, so that its share is undefined.
    """
    if len(counts) == 0 or counts.min() == 0:
        raise InputError(f"PCK needs pairs with keypoints; found {len(counts)} pairs, or one without keypoints.")
    found = np.add.reduceat(correct, np.cumsum(counts) - counts, dtype=np.int64)
    return Pck(float(np.mean(found / counts)), float(np.mean(correct)))
