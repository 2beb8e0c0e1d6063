"""Trimmed iterative closest point in both directions (Besl & McKay, TPAMI 1992; Chetverikov et al., ICPR 2002)."""

import math

import numpy as np
from jaxtyping import Float, Int

from pipeline.base.errors import InputError
from pipeline.reconstruction.neighbours import SCIPY, Neighbours
from pipeline.reconstruction.similarity import Similarity, fit_similarity

CONVERGED = 5e-4
"""Convergence threshold: ICP stops when the RMS step is at most this share of the RMS radius of the target."""


def icp(
    source: Float[np.ndarray, "N 3"],
    target: Float[np.ndarray, "M 3"],
    initial: Similarity,
    with_scale: bool,
    iterations: int,
    trim: float,
    neighbours: Neighbours = SCIPY,
) -> Similarity:
    """Refine a transform that maps `source` onto `target`.

    Each iteration pairs every moved source point with the nearest target point, and every target point with the
    nearest moved source point. It discards the longest pairs of each direction and fits the others in closed form.
    Pairs from source to target alone would be satisfied best by shrinking the source into one point of the target.
    The pairs from target to source prevent this, because every part of the target needs a source point near it.

    Args:
        with_scale: whether the scale is refined; otherwise it stays `initial.scale`.
        iterations: maximum number of iterations.
        trim: share in [0, 1) of each direction's pairs that is discarded. If both directions were trimmed together,
            all discarded pairs could run from target to source, which would leave the scale unconstrained again.
        neighbours: nearest-neighbour search.

    Raises:
        InputError: a point set is empty, or `trim` is outside [0, 1).
    """
    if min(len(source), len(target)) == 0:
        raise InputError(f"ICP needs points in both sets; found {len(source)} and {len(target)}.")
    if not 0 <= trim < 1:
        raise InputError(f"ICP leaves out a share of the pairs in [0, 1); found {trim:g}. Choose a share such as 0.05.")
    target_cloud = neighbours.cloud(target)
    smallest_step = CONVERGED * _root_mean_square(target - target.mean(axis=0))
    transform, moved = initial, initial.apply(source)
    for _ in range(iterations):
        to_target, nearest_target = target_cloud.nearest(moved)
        to_source, nearest_source = neighbours.cloud(moved, once=True).nearest(target)
        forward, backward = _shortest(to_target, trim), _shortest(to_source, trim)
        step = fit_similarity(
            np.concatenate([moved[forward], moved[nearest_source[backward]]]),
            np.concatenate([target[nearest_target[forward]], target[backward]]),
            with_scale,
        )
        before, moved = moved, step.apply(moved)
        transform = step.after(transform)
        if _root_mean_square(moved - before) <= smallest_step:
            break
    return transform


def _shortest(distances: Float[np.ndarray, "N"], trim: float) -> Int[np.ndarray, "K"]:
    """Indices of the ceil((1 - trim) N) shortest distances."""
    kept = math.ceil((1 - trim) * len(distances))
    return np.argpartition(distances, kept - 1)[:kept]


def _root_mean_square(vectors: Float[np.ndarray, "N 3"]) -> float:
    return math.sqrt(np.square(vectors).sum(axis=1).mean())
