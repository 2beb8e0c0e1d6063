"""The law that costs are fitted to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.power_law import fit_power_law
from benchmarks.scaling import ScalingRow, laws
from pipeline.base.errors import InputError

positive = st.floats(1e-3, 1e3)


@given(st.floats(-3, 3), positive, st.lists(positive, min_size=3, max_size=6, unique_by=lambda size: round(size, 3)))
def test_fit_recovers_a_power_law(exponent, factor, sizes):
    law = fit_power_law(sizes, [factor * size**exponent for size in sizes])
    assert law.exponent == pytest.approx(exponent, abs=1e-6)
    assert law.factor == pytest.approx(factor, rel=1e-5)
    assert law.standard_error == pytest.approx(0, abs=1e-6)


def test_standard_error_is_that_of_linear_regression():
    rng = np.random.default_rng(0)
    sizes = np.array([1, 2, 5, 10, 30, 100.0])
    costs = 3 * sizes**1.4 * np.exp(rng.normal(0, 0.2, len(sizes)))
    law = fit_power_law(sizes, costs)
    (exponent, _), covariance = np.polyfit(np.log(sizes), np.log(costs), 1, cov=True)
    assert law.exponent == pytest.approx(exponent)
    assert law.standard_error == pytest.approx(np.sqrt(covariance[0, 0]))
    assert fit_power_law([1, 2], [3, 6]).standard_error is None


@pytest.mark.parametrize(("sizes", "costs"), [([1], [1]), ([2, 2], [1, 3]), ([1, 2], [0, 1]), ([1, 2, 3], [1, 2])])
def test_no_law_without_two_sizes_and_positive_costs(sizes, costs):
    with pytest.raises(InputError, match="positive costs at two or more different"):
        fit_power_law(sizes, costs)


def test_laws_are_fitted_to_each_kind_of_cost_alone():
    rows = [ScalingRow("a", "pixels", n, n**2.0) for n in (1, 2, 4)]
    rows += [ScalingRow("a", "images", n, 5.0 * n) for n in (3, 9)]
    assert [(law.cost, law.size_of, round(law.exponent, 6)) for law in laws(rows)] == [
        ("a", "pixels", 2),
        ("a", "images", 1),
    ]
