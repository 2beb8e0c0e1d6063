"""The probability that a match is right, as a logistic regression on its signs."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import expit

from pipeline.base.checksums import checked
from pipeline.base.contents import parsing
from pipeline.base.errors import InputError
from pipeline.base.files import write_json
from pipeline.confidence.signs import Signs

PENALTY = 0.1
"""Inverse strength of the squared penalty on the weights of the standardised signs: matches of a few dozen images tell
less than their number says."""


_COLUMNS = ("mean", "scale", "weight")
"""What the file says of a sign, in the order of `Calibration`."""


class Calibration(NamedTuple):
    """P(right) = 1 / (1 + exp(-bias - sum_k weights_k (sign_k - mean_k) / scale_k)), for the S numbers of `Signs`."""

    mean: Float[np.ndarray, "S"]
    scale: Float[np.ndarray, "S"]
    weights: Float[np.ndarray, "S"]
    bias: float

    def probability(self, signs: Float[np.ndarray, "N S"]) -> Float[np.ndarray, "N"]:
        """Probability that each of N matches with these signs is right."""
        # One after the other: the order of a matrix product's sums is not that of every batch.
        score = np.full(len(signs), self.bias)
        for column, mean, scale, weight in zip(signs.T, self.mean, self.scale, self.weights, strict=True):
            score += weight * (column - mean) / scale
        return expit(score)


def fit_calibration(signs: Float[np.ndarray, "N S"], right: Bool[np.ndarray, "N"]) -> Calibration | None:
    """Fit the weights to matches of which is known whether they are right.

    Signs are standardised, and the squared weights penalised (`PENALTY`). None where there is no match to learn from,
    or all are right, or none is.
    """
    if len(np.unique(right)) < 2:
        return None
    # A second to import, which whoever only reads calibrations need not wait.
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(signs)
    model = LogisticRegression(C=PENALTY).fit(scaler.transform(signs), right)
    return Calibration(
        mean=np.array(scaler.mean_),
        scale=np.array(scaler.scale_),
        weights=np.array(model.coef_[0]),
        bias=float(model.intercept_[0]),
    )


def write_calibrations(path: Path, calibrations: dict[str, Calibration]) -> None:
    """Write the calibrations of methods, by the method's name, as JSON."""
    write_json(path, {method: _row(calibration) for method, calibration in calibrations.items()})


def read_calibrations(path: Path) -> dict[str, Calibration]:
    """Read what `write_calibrations` wrote.

    Raises:
        InputError: the file is missing or damaged.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected the calibration of matches, found none. Run the stage `evaluate`.")
    with parsing(checked(path), "the calibration of matches as JSON"):
        content = json.loads(path.read_text(encoding="utf-8"))
        return {method: _calibration(row) for method, row in content.items()}


def _row(calibration: Calibration) -> dict[str, Any]:
    columns = zip(Signs._fields, *(array.tolist() for array in calibration[:-1]), strict=True)
    return {"bias": calibration.bias, "signs": {name: dict(zip(_COLUMNS, row, strict=True)) for name, *row in columns}}


def _calibration(row: dict[str, Any]) -> Calibration:
    if set(row["signs"]) != set(Signs._fields):
        raise ValueError(f"the signs {', '.join(row['signs'])}; expected {', '.join(Signs._fields)}")
    mean, scale, weights = (
        np.array([row["signs"][name][column] for name in Signs._fields], dtype=np.float64) for column in _COLUMNS
    )
    calibration = Calibration(mean, scale, weights, float(row["bias"]))
    if not all(np.isfinite(value).all() for value in calibration) or (calibration.scale <= 0).any():
        raise ValueError("a number is not finite, or a scale is not positive")
    return calibration
