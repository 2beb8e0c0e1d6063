"""Table 1 of the paper from the scores of the categories that were run."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from pipeline.categories import CATEGORIES
from pipeline.errors import InputError
from pipeline.evaluation.pck import TABLE_ALPHA, Pck
from pipeline.evaluation.result import Metrics, threshold_name
from pipeline.reporting.rows import row_name, simulated

METHOD_ORDER = ("nearest_neighbour", "pca_nearest_neighbour", "ours")
"""Methods with a row of the paper's table, in its order."""


class Row(NamedTuple):
    """One method."""

    name: str
    values: tuple[float, ...]
    """PCK in per cent for each of the ten categories, NaN where it was not run."""

    @property
    def average(self) -> float:
        """Unweighted mean over the categories that were run."""
        run = [value for value in self.values if not math.isnan(value)]
        return sum(run) / len(run)


class Table(NamedTuple):
    """Rows with what a reader has to know of them."""

    alpha: float
    rows: tuple[Row, ...]
    warning: str
    """What is simulated; empty where nothing is."""
    notes: tuple[str, ...]
    thresholds: tuple[str, ...]
    details: tuple[Row, ...]
    """For each method, averages over the categories at each of `thresholds`, per image and then per point."""
    run: int
    """Categories that were run."""

    @property
    def average_title(self) -> str:
        """Heading of the last column; it tells an average over a part of the categories."""
        return "avg" if self.run == len(CATEGORIES) else f"avg of {self.run}"


def build_table(scores: Sequence[Metrics]) -> Table:
    """The table of one run.

    Args:
        scores: one for each category that was run.

    Raises:
        InputError: there is none, they stem from different settings, or PCK@0.1 is not among their thresholds.
    """
    _check(scores)
    settings = scores[0].settings
    methods = [method for method in METHOD_ORDER if method in scores[0].pck]
    extra = [method for method in scores[0].pck if method not in METHOD_ORDER]
    rows = tuple(
        Row(row_name(method, settings), category_values(scores, method, threshold_name(TABLE_ALPHA)))
        for method in methods
    )
    thresholds = tuple(sorted(scores[0].pck[methods[0]], key=float))
    details = tuple(
        Row(row_name(method, settings), _averages(scores, method, thresholds)) for method in (*methods, *extra)
    )
    kinds = {kind for method in methods for kind in simulated(method, settings)}
    warning = ""
    if kinds:
        named = [kind for kind in ("masks", "depth", "poses", "features") if kind in kinds]
        warning = (
            f"Simulated: {', '.join(named)}. They were derived with noise from the truth of the embedded benchmark, "
            "not computed by foundation models; the numbers cannot be compared with the paper's."
        )
    return Table(TABLE_ALPHA, rows, warning, _notes(scores, bool(kinds)), thresholds, details, len(scores))


def category_values(
    scores: Sequence[Metrics], method: str, threshold: str, average: Callable[[Pck], float] = lambda pck: pck.per_image
) -> tuple[float, ...]:
    """PCK in per cent for each of the ten categories, NaN where it was not run."""
    by_category = {metrics.category: metrics for metrics in scores}
    return tuple(
        100 * average(by_category[name].pck[method][threshold]) if name in by_category else math.nan
        for name in CATEGORIES
    )


def _check(scores: Sequence[Metrics]) -> None:
    if not scores:
        raise InputError("params.yaml: `categories` is empty, so there is nothing to report.")
    first = scores[0]
    for metrics in scores:
        if metrics.settings != first.settings or metrics.pck.keys() != first.pck.keys():
            raise InputError(
                f"The scores of '{first.category}' and '{metrics.category}' stem from different parameters. "
                "Run `dvc repro` to bring all categories up to date."
            )
        if not all(threshold_name(TABLE_ALPHA) in thresholds for thresholds in metrics.pck.values()):
            raise InputError(
                f"params.yaml: evaluation.alphas lacks {TABLE_ALPHA:g}, the threshold of the table. Add it."
            )


def _notes(scores: Sequence[Metrics], is_simulated: bool) -> tuple[str, ...]:
    settings = scores[0].settings
    pairs = ", ".join(f"{metrics.category} {metrics.pairs} ({metrics.pairs_sha256[:8]})" for metrics in scores)
    skipped = sum(len(metrics.skipped) for metrics in scores)
    kept = (
        "pairs with a truncated object are excluded" if settings.exclude_truncated_pairs else "truncated ones included"
    )
    seeds = f"; training seed {settings.training_seed}" if "ours" in scores[0].pck else ""
    seeds += f"; benchmark seed {settings.benchmark_seed}" if is_simulated else ""
    missing = [name for name in CATEGORIES if name not in {metrics.category for metrics in scores}]
    notes = [
        f"SPair-71k split '{settings.split}'; {kept}{seeds}.",
        f"Pairs (and the start of their list's sha256): {pairs}"
        + (f"; {skipped} more could not be scored." if skipped else "."),
        "Mean over the pairs of a category of the share of keypoints within alpha * max(h, w) of the target's box.",
    ]
    if settings.within_mask:
        notes.append("Nearest neighbours are restricted to the target's mask.")
    if missing:
        notes.append(
            f"The average covers the {len(scores)} of {len(CATEGORIES)} categories run; not run: {', '.join(missing)}."
        )
    return tuple(notes)


def _averages(scores: Sequence[Metrics], method: str, thresholds: Sequence[str]) -> tuple[float, ...]:
    averages = (lambda pck: pck.per_image, lambda pck: pck.per_point)
    return tuple(Row("", category_values(scores, method, t, a)).average for a in averages for t in thresholds)
