"""Calibration error and risk-coverage curves against plain loops, and on made cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evaluation.reliability import in_bins, reliability, risk_coverage

MATCHES = st.lists(st.tuples(st.sampled_from([0.0, 0.05, 0.1, 0.35, 0.5, 0.9, 1.0]), st.booleans()), min_size=1)


def columns(matches):
    probability, right = zip(*matches, strict=True)
    return np.array(probability), np.array(right)


@given(MATCHES)
def test_calibration_error_against_a_loop(matches):
    total = 0.0
    for lower in range(10):
        inside = [(p, r) for p, r in matches if lower / 10 <= p < (lower + 1) / 10 or (p == 1 and lower == 9)]
        if inside:
            gap = np.mean([r for _, r in inside]) - np.mean([p for p, _ in inside])
            total += len(inside) / len(matches) * abs(gap)
    assert reliability(*columns(matches)).calibration_error == pytest.approx(total)


@given(MATCHES)
def test_risk_against_a_loop(matches):
    curve = risk_coverage(*columns(matches))
    for number, threshold in enumerate(sorted({p for p, _ in matches}, reverse=True)):
        kept = [r for p, r in matches if p >= threshold]
        assert curve.coverage[number] == pytest.approx(len(kept) / len(matches))
        assert curve.risk[number] == pytest.approx(1 - np.mean(kept))
    assert curve.coverage[-1] == 1


@given(MATCHES)
def test_bins_hold_all_matches(matches):
    probability, right = columns(matches)
    bins = in_bins(probability, right)
    assert bins.share.sum() == pytest.approx(1)
    assert (bins.share * bins.probability).sum() == pytest.approx(probability.mean())
    assert (bins.share * bins.right).sum() == pytest.approx(right.mean())


def test_a_perfect_order_keeps_all_that_is_right():
    right = np.array([True] * 6 + [False] * 4)
    measured = reliability(np.linspace(1, 0, 10), right)
    assert measured.coverage_at_10 == 0.6
    assert measured.risk_area == pytest.approx(0.1 * (1 / 7 + 2 / 8 + 3 / 9 + 4 / 10))


def test_one_probability_for_all_has_the_risk_of_all():
    right = np.array([True] * 7 + [False] * 3)
    measured = reliability(np.full(10, 0.7), right)
    assert measured == (pytest.approx(0), pytest.approx(0.3), 0)


def test_probabilities_that_truth_was_drawn_by_hold_and_bold_ones_do_not():
    rng = np.random.default_rng(0)
    probability = rng.random(20_000)
    right = rng.random(20_000) < probability
    assert reliability(probability, right).calibration_error < 0.015
    bold = reliability(np.where(probability > 0.5, 1.0, 0.0), right)
    assert bold.calibration_error == pytest.approx(0.25, abs=0.02)
    assert bold.risk_area > reliability(probability, right).risk_area
