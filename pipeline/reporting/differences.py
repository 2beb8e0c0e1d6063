"""Differences of two rows with their intervals, paired over the image pairs, or images, that both were scored on."""

import numpy as np
import pandas as pd

from pipeline.base.seeding import seeded
from pipeline.config.params import Bootstrap
from pipeline.evaluation.pck import is_correct
from pipeline.reconstruction.result import ReconstructionScores
from pipeline.reporting.bootstrap import Interval, PairDifferences, paired_bootstrap
from pipeline.reporting.results import RowReconstructions, RowScores, Scored


def pck_difference(row: RowScores, reference: RowScores, alpha: float, params: Bootstrap) -> Interval:
    """PCK of a row minus that of the reference, category mean over the pairs' shares, in per cent.

    A pair's score is its mean over the seeds of a row, so that the interval is about the choice of images alone.
    """
    categories = [
        _paired(_shares(row[category], alpha), _shares(reference[category], alpha), 100.0) for category in row
    ]
    return _bootstrap(categories, params)


def pck_interval(scored: Scored, alpha: float, params: Bootstrap) -> Interval:
    """PCK of one cell in per cent, the mean over the pairs' shares, with its interval over the choice of images."""
    shares = _shares((scored,), alpha)
    return _bootstrap([_paired(shares, 0.0 * shares, 100.0)], params)


def chamfer_difference(row: RowReconstructions, reference: RowReconstructions, params: Bootstrap) -> Interval:
    """Normalised Chamfer distance of a row minus that of the reference, paired over the images."""
    categories = [_paired(_distances(row[category]), _distances(reference[category]), 1.0) for category in row]
    return _bootstrap(categories, params)


def _bootstrap(categories: list[PairDifferences], params: Bootstrap) -> Interval:
    return paired_bootstrap(categories, params.replicates, params.level, seeded(params.seed, "bootstrap", "difference"))


def _shares(scored: tuple[Scored, ...], alpha: float) -> pd.Series:
    """Mean over the seeds of each pair's share of correct keypoints, by (source, target)."""
    shares = []
    for one in scored:
        points = one.points
        correct = is_correct(points["error"].to_numpy(), points["box_side"].to_numpy(), alpha)
        shares.append(points.assign(correct=correct).groupby(["pair", "source", "target"])["correct"].mean())
    return sum(shares[1:], shares[0]) / len(shares)


def _distances(scores: tuple[ReconstructionScores, ...]) -> pd.Series:
    """Mean over the seeds of each image's distance; an image counts as a pair with itself."""
    values = [{(0, i.name, i.name): i.similarity for i in one.images} for one in scores]
    frame = pd.DataFrame(values).mean()
    frame.index = pd.MultiIndex.from_tuples(frame.index, names=["pair", "source", "target"])
    return frame


def _paired(row: pd.Series, reference: pd.Series, factor: float) -> PairDifferences:
    difference = factor * (row - reference.reindex(row.index))
    names = difference.index
    images = sorted({*names.get_level_values("source"), *names.get_level_values("target")})
    number = {name: i for i, name in enumerate(images)}
    source, target = (
        np.array([number[name] for name in names.get_level_values(level)]) for level in ("source", "target")
    )
    return PairDifferences(source, target, difference.to_numpy())
