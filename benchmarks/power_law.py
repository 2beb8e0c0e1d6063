"""Power law of a cost as a function of a size: its exponent, with the standard error."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pipeline.base.errors import InputError


class PowerLaw(NamedTuple):
    """Power law cost = factor * size^exponent."""

    exponent: float
    standard_error: float | None
    """Standard error of the exponent. None for two sizes, which leave no residual."""
    factor: float


def fit_power_law(sizes: Sequence[float], costs: Sequence[float]) -> PowerLaw:
    """Fit a power law by least squares of log cost on log size.

    A cost with a constant part grows more slowly than its variable part, so that the exponent is valid only within the
    range of the sizes.

    Raises:
        InputError: there are fewer than two different sizes, or a size or cost is not positive.
    """
    if len(sizes) != len(costs) or len(set(sizes)) < 2 or not all(0 < value < np.inf for value in (*sizes, *costs)):
        raise InputError(
            f"A power law needs positive costs at two or more different, positive sizes; found {list(sizes)} and "
            f"{list(costs)}."
        )
    x, y = np.log(np.asarray(sizes, float)), np.log(np.asarray(costs, float))
    spread = ((x - x.mean()) ** 2).sum()
    exponent = ((x - x.mean()) * (y - y.mean())).sum() / spread
    residual = y - y.mean() - exponent * (x - x.mean())
    error = np.sqrt((residual**2).sum() / (len(x) - 2) / spread) if len(x) > 2 else None
    return PowerLaw(
        float(exponent), None if error is None else float(error), float(np.exp(y.mean() - exponent * x.mean()))
    )
