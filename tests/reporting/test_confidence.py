"""What the report says of confidence: averages of the cells' measures, and curves of all matches together."""

import dataclasses
import io

import numpy as np
import pytest

from pipeline.evaluation.confidence import measure_confidence
from pipeline.reporting.confidence import (
    confidence_figure,
    confidence_measure,
    confidence_notes,
    confidence_table,
    judged_matches,
)
from pipeline.reporting.plot_style import to_png
from pipeline.reporting.summary import summarise
from support.made_scores import FOUR, make_results


def with_probabilities(results, names):
    """The same results, where matches of these rows have probabilities, which are high for what is right."""

    def judged(scored, seed):
        right = (scored.points["error"] <= 0.1 * scored.points["box_side"]).to_numpy()
        noise = np.random.default_rng(seed).uniform(0, 0.6, len(right))
        points = scored.points.assign(probability=np.where(right, 1 - noise, noise))
        confidence = measure_confidence(points)
        return scored._replace(points=points, metrics=dataclasses.replace(scored.metrics, confidence=confidence))

    rows = dict(results.rows)
    for name in names:
        rows[name] = {
            category: tuple(judged(one, 10 * n + seed) for seed, one in enumerate(scored))
            for n, (category, scored) in enumerate(rows[name].items())
        }
    return results._replace(rows=rows)


@pytest.fixture(scope="module")
def results():
    return with_probabilities(make_results(FOUR, seeds=(0, 1)), ["ours"])


def test_the_table_averages_the_cells(results):
    (grid,) = confidence_table(results)
    (row,) = grid.rows
    assert row.title == "Ours (simulated)"
    cells = [one.metrics.confidence["search"] for scored in results.rows["ours"].values() for one in scored]
    assert row.values["calibration error"].mean == pytest.approx(100 * np.mean([c.calibration_error for c in cells]))
    assert row.values["kept at a risk of 10 %"].mean == pytest.approx(100 * np.mean([c.coverage_at_10 for c in cells]))
    assert row.values["risk over all coverages"].mean < row.values["wrong matches"].mean
    assert "Risk: share of wrong matches" in confidence_notes(results)[0]


def test_the_summary_has_the_measures(results):
    summary = summarise(results)
    cells = results.rows["ours"]["car"]
    expected = 100 * np.mean([one.metrics.confidence["search"].risk_area for one in cells])
    assert summary["ours/car/risk_area"] == pytest.approx(expected, abs=1e-4)
    assert "mp/car/risk_area" not in summary


def test_without_probabilities_there_is_nothing_to_say():
    results = make_results(FOUR)
    assert (confidence_table(results), confidence_notes(results), judged_matches(results)) == ([], [], {})


def test_the_figure_shows_all_matches_of_the_rows_that_have_probabilities(results):
    judged = judged_matches(results)
    assert list(judged) == ["Ours (simulated)"]
    count = sum(len(one.points) for scored in results.rows["ours"].values() for one in scored)
    assert len(judged["Ours (simulated)"].probability) == count
    figure = confidence_figure(judged, simulated=True)
    risk = next(line for line in figure.axes[0].get_lines() if line.get_gid() == "Ours (simulated)")
    wrong = 100 * (1 - judged["Ours (simulated)"].right.mean())
    assert risk.get_ydata()[-1] == pytest.approx(wrong)
    assert "simulated" in figure.axes[0].get_title(loc="left")
    assert to_png(figure) == to_png(confidence_figure(judged, simulated=True))
    assert io.BytesIO(to_png(figure)).read(4) == b"\x89PNG"


def test_a_row_with_a_category_without_probabilities_has_no_measure_of_it(results):
    row = {**results.rows["ours"], "chair": make_results(FOUR, seeds=(0, 1)).rows["ours"]["chair"]}
    assert list(confidence_measure(row, lambda measured: measured.risk_area)) == ["car"]
