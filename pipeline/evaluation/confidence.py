"""Probabilities of a cell's matches: learned from the calibration pairs, and given to the evaluated ones."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from pipeline.confidence.calibration import Calibration, fit_calibration
from pipeline.confidence.signs import Signs
from pipeline.evaluation.pck import TABLE_ALPHA, is_correct
from pipeline.evaluation.reliability import Reliability, reliability
from pipeline.evaluation.result import PROBABILITY


def calibrate(points: pd.DataFrame) -> dict[str, Calibration]:
    """Learn from matched points with signs, for each method apart, when a match is right at the tables' threshold.

    A method has none where all of its matches are right, or all wrong.
    """
    fitted = {
        str(method): fit_calibration(rows[[*Signs._fields]].to_numpy(), are_right(rows))
        for method, rows in points.groupby("method", sort=False)
    }
    return {method: calibration for method, calibration in fitted.items() if calibration is not None}


def with_probabilities(points: pd.DataFrame, calibrations: Mapping[str, Calibration]) -> pd.DataFrame:
    """The matched points with probabilities in place of their signs, NaN for methods without a calibration."""
    probability = np.full(len(points), np.nan)
    for method, calibration in calibrations.items():
        rows = (points["method"] == method).to_numpy()
        probability[rows] = calibration.probability(points.loc[rows, [*Signs._fields]].to_numpy())
    return points.drop(columns=[*Signs._fields]).assign(**{PROBABILITY: probability})


def measure_confidence(points: pd.DataFrame) -> dict[str, Reliability]:
    """How well the probabilities of matched points hold, for each method that has any."""
    known = points[points[PROBABILITY].notna()] if PROBABILITY in points else points[:0]
    return {
        str(method): reliability(rows[PROBABILITY].to_numpy(), are_right(rows))
        for method, rows in known.groupby("method", sort=False)
    }


def are_right(points: pd.DataFrame) -> np.ndarray:
    """Whether each match is right at the threshold of the tables."""
    return is_correct(points["error"].to_numpy(), points["box_side"].to_numpy(), TABLE_ALPHA)
