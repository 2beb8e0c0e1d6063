"""How well probabilities of matches hold: expected calibration error, and risk against coverage."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

BINS = 10
"""Bins of equal width that probabilities are put in."""


class Bins(NamedTuple):
    """Matches in bins of their probability; bins without a match are left out."""

    share: Float[np.ndarray, "K"]
    """Share of the matches that a bin has."""
    probability: Float[np.ndarray, "K"]
    """Their mean probability."""
    right: Float[np.ndarray, "K"]
    """Share of them that is right."""


class RiskCoverage(NamedTuple):
    """What is wrong among the matches with the highest probabilities, by how many of them are kept."""

    coverage: Float[np.ndarray, "K"]
    """Share of matches that is kept, ascending to 1; matches of equal probability are kept together."""
    risk: Float[np.ndarray, "K"]
    """Share of the kept matches that is wrong."""

    @property
    def area(self) -> float:
        """Mean risk over all coverages (area under the curve), each risk held from the coverage before it."""
        return float(np.sum(np.diff(self.coverage, prepend=0.0) * self.risk))

    def coverage_at(self, risk: float) -> float:
        """Largest coverage at which no more than `risk` of the kept matches is wrong; 0 where there is none."""
        return float(self.coverage[self.risk <= risk].max(initial=0.0))


class Reliability(NamedTuple):
    """How well the probabilities of some matches hold."""

    calibration_error: float
    """Expected calibration error: the mean over the matches of |share right - mean probability| of their bin."""
    risk_area: float
    """Area under the curve of risk against coverage; without any confidence it would be the share of wrong matches."""
    coverage_at_10: float
    """Largest share of matches that can be kept so that one in ten of them is wrong."""


def in_bins(probability: Float[np.ndarray, "N"], right: Bool[np.ndarray, "N"]) -> Bins:
    """Put matches into `BINS` bins of equal width by their probability."""
    number = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    counts = np.bincount(number, minlength=BINS)
    sums = (np.bincount(number, values, minlength=BINS) for values in (probability, right.astype(np.float64)))
    filled = counts > 0
    return Bins(counts[filled] / len(right), *(total[filled] / counts[filled] for total in sums))


def risk_coverage(probability: Float[np.ndarray, "N"], right: Bool[np.ndarray, "N"]) -> RiskCoverage:
    """Keep the matches in the order of falling probability, and count what is wrong."""
    order = np.argsort(-probability, kind="stable")
    kept = np.arange(1, len(order) + 1)
    wrong = np.cumsum(~right[order])
    last = np.flatnonzero(np.diff(probability[order], append=-np.inf))
    return RiskCoverage(kept[last] / len(order), wrong[last] / kept[last])


def reliability(probability: Float[np.ndarray, "N"], right: Bool[np.ndarray, "N"]) -> Reliability:
    """Measure the probabilities of one or more matches.

    Args:
        right: whether each match is right.
    """
    bins, curve = in_bins(probability, right), risk_coverage(probability, right)
    error = float(np.sum(bins.share * np.abs(bins.right - bins.probability)))
    return Reliability(error, curve.area, curve.coverage_at(0.1))
