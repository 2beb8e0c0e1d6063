"""What the probabilities of matches are worth: a table, its notes, and the figure of risk and calibration."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from matplotlib.figure import Figure

from pipeline.evaluation.confidence import are_right
from pipeline.evaluation.pck import TABLE_ALPHA
from pipeline.evaluation.reliability import Reliability, in_bins, risk_coverage
from pipeline.evaluation.result import PROBABILITY, Metrics
from pipeline.reporting.plot_style import COLOURS, GRID
from pipeline.reporting.results import Results, RowScores, by_category, title_of, trained_rows
from pipeline.reporting.table import Grid, Row, category_average

MEASURES: tuple[tuple[str, str, Callable[[Reliability], float]], ...] = (
    ("calibration error", "calibration_error", lambda measured: 100 * measured.calibration_error),
    ("risk over all coverages", "risk_area", lambda measured: 100 * measured.risk_area),
    ("kept at a risk of 10 %", "coverage_at_10", lambda measured: 100 * measured.coverage_at_10),
)
"""Heading, key and value of each measure, in per cent."""
WRONG = "wrong matches"
DRAWN = ("mp_pose", "ours", "ours_refined")
"""Rows that the figure draws, where they were run; without any of them all trained rows."""


class Judged(NamedTuple):
    """Matches with probabilities."""

    probability: Float[np.ndarray, "N"]
    right: Bool[np.ndarray, "N"]


def confidence_measure(row: RowScores, value: Callable[[Reliability], float]) -> dict[str, list[float]]:
    """One measure of the probabilities by category, one number for each seed; categories without any are left out."""

    def measured(metrics: Metrics, method: str) -> float | None:
        reliability = metrics.confidence.get(method)
        return None if reliability is None else value(reliability)

    return by_category(row, measured)


def confidence_table(results: Results) -> list[Grid]:
    """Averages of each measure over the categories; no table where no match has a probability."""
    rows = []
    for name, row in trained_rows(results).items():
        values = {heading: confidence_measure(row, value) for heading, _, value in MEASURES}
        if all(values.values()):
            threshold = f"{TABLE_ALPHA:g}"
            wrong = {
                category: [100 * (1 - one.metrics.pck[one.method][threshold].per_point) for one in row[category]]
                for category in next(iter(values.values()))
            }
            columns = {WRONG: wrong, **values}
            averages = {heading: category_average(numbers) for heading, numbers in columns.items()}
            rows.append(Row(title_of(results, name), averages))
    if not rows:
        return []
    headings = (WRONG, *(heading for heading, _, _ in MEASURES))
    return [Grid("Confidence: how well the probabilities of matches hold (%)", headings, tuple(rows))]


def confidence_notes(results: Results) -> list[str]:
    """What the measures of confidence mean; none where no match has a probability."""
    if not confidence_table(results):
        return []
    return [
        "Confidence: each match has a probability of being right (within 0.1 of the target's box), learned from the "
        "pairs of data.calibration_split. Calibration error: mean distance of the probability from the share that is "
        "right, over ten bins. Risk: share of wrong matches among those that are kept, the most probable ones first; "
        "without any confidence it would be that of all matches, whatever is kept."
    ]


def judged_matches(results: Results) -> dict[str, Judged]:
    """By the row's title, the matches of all categories and seeds that have a probability."""
    rows = trained_rows(results)
    found = {}
    for name in [name for name in DRAWN if name in rows] or list(rows):
        tables = [one.points for scored in rows[name].values() for one in scored if PROBABILITY in one.points]
        points = pd.concat(tables) if tables else pd.DataFrame({PROBABILITY: []})
        points = points[points[PROBABILITY].notna()]
        if len(points):
            found[title_of(results, name)] = Judged(points[PROBABILITY].to_numpy(), are_right(points))
    return found


def confidence_figure(rows: Mapping[str, Judged], simulated: bool) -> Figure:
    """Draw the risk against the coverage, and the share that is right against the probability.

    Args:
        rows: by the method's name.
        simulated: whether the title says that photographs, labels and features are simulated.
    """
    figure = Figure(figsize=(10, 4.6), layout="constrained")
    risk, calibration = figure.subplots(1, 2)
    for (name, (probability, right)), colour in zip(rows.items(), COLOURS[1:], strict=False):
        curve, bins = risk_coverage(probability, right), in_bins(probability, right)
        risk.plot(100 * curve.coverage, 100 * curve.risk, gid=name, label=name, color=colour, linewidth=1.8)
        calibration.plot(100 * bins.probability, 100 * bins.right, gid=name, color=colour, linewidth=1.2, zorder=2)
        calibration.scatter(100 * bins.probability, 100 * bins.right, s=300 * bins.share, color=colour, zorder=3)
    calibration.plot([0, 100], [0, 100], color="#888888", linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    note = " (simulated data)" if simulated else ""
    risk.set_title(f"Wrong among the matches kept{note}", loc="left")
    risk.set(xlabel="matches kept, the most probable first (%)", ylabel="wrong (%)", xlim=(0, 100), ylim=(0, 100))
    calibration.set_title("Right among matches of one probability", loc="left")
    calibration.set(
        xlabel="probability (%); dots as large as their number of matches",
        ylabel="right (%)",
        xlim=(0, 100),
        ylim=(0, 100),
    )
    for axes in (risk, calibration):
        axes.grid(**GRID)
        axes.spines[["top", "right"]].set_visible(False)
    risk.legend(loc="upper left", frameon=False)
    return figure
