"""Everything that the report is made of, read once: the scores of the cells and of the baselines, pair by pair."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from pipeline.base.errors import InputError
from pipeline.config.cells import Cell, all_cells
from pipeline.config.workspace import Workspace
from pipeline.evaluation.pck import TABLE_ALPHA
from pipeline.evaluation.result import Metrics, read_metrics, read_points, threshold_name
from pipeline.reconstruction.result import ReconstructionScores, read_reconstruction
from pipeline.reporting.rows import row_order, row_title
from pipeline.reporting.trainings import Trainings, read_trainings


class Scored(NamedTuple):
    """The scores of one row on one category with one seed."""

    metrics: Metrics
    points: pd.DataFrame
    """Keypoints as `method` found them, a row for each (`pipeline.evaluation.result.Evaluation`)."""
    method: str
    """The method that the row shows, a key of `metrics.pck`."""


RowScores = dict[str, tuple[Scored, ...]]
"""The scores of one row by category: one for each seed, and just one for a baseline."""
RowReconstructions = dict[str, tuple[ReconstructionScores, ...]]
"""The reconstructions of one variant by category, one for each seed."""


def by_category(row: RowScores, value: Callable[[Metrics, str], float | None]) -> dict[str, list[float]]:
    """One measure by category, one number for each seed; categories that lack it are left out.

    Args:
        value: the measure from the metrics and the method that the row shows; None where it was not measured.
    """
    found = {}
    for category, scored in row.items():
        numbers = [number for one in scored if (number := value(one.metrics, one.method)) is not None]
        if len(numbers) == len(scored):
            found[category] = numbers
    return found


class Results(NamedTuple):
    """The scores of a run. Rows and reconstructions are those of the first backbone, which the tables show."""

    categories: tuple[str, ...]
    """Categories with annotated keypoints, in the order of the parameters."""
    seeds: tuple[int, ...]
    rows: dict[str, RowScores]
    """Scores by row, in the order of the table."""
    reconstruction: dict[str, RowReconstructions]
    """Reconstructions by variant."""
    backbones: dict[tuple[str, str], dict[str, tuple[Metrics, ...]]]
    """Scores of the trained variants, by (variant, backbone) and category, one for each seed."""
    trainings: Trainings = Trainings()
    """What is to be said about the trainings."""
    unannotated: dict[str, RowScores] = {}  # noqa: RUF012
    """Rows on the categories without annotated keypoints, whose points are empty; rows without any are left out."""

    @property
    def unannotated_categories(self) -> tuple[str, ...]:
        """Categories without annotated keypoints."""
        return tuple(dict.fromkeys(category for row in self.unannotated.values() for category in row))

    def rows_of(self, category: str) -> dict[str, RowScores]:
        """The rows that a category is in: those of Table 1, or those without keypoints."""
        return self.rows if category in self.categories else self.unannotated


def read_results(workspace: Workspace) -> Results:
    """Read what the stages `baselines`, `evaluate` and `reconstruct` wrote for the cells that are run.

    Raises:
        InputError: a cell has not been run, or the cells were run with different settings.
    """
    params = workspace.params
    first = params.backbones[0]
    names = row_order([*params.trained, *params.evaluation.baselines])
    rows: dict[str, RowScores] = {name: {} for name in names}
    for category in params.categories:
        for name in params.evaluation.baselines:
            rows[name][category] = (_read_scored(workspace.baselines(first, category), name),)
        for variant in params.trained:
            cells = [Cell(variant, first, category, seed) for seed in params.seeds]
            rows[variant][category] = tuple(_read_scored(workspace.evaluation(cell)) for cell in cells)
    reconstruction = {
        variant: {
            category: tuple(
                read_reconstruction(workspace.reconstruction(Cell(variant, first, category, seed)))
                for seed in params.seeds
            )
            for category in params.categories
        }
        for variant in params.reconstruction.variants
    }
    backbones: dict[tuple[str, str], dict[str, tuple[Metrics, ...]]] = {}
    for cell in all_cells(params):
        by_category = backbones.setdefault((cell.variant, cell.backbone), {})
        by_category[cell.category] = (*by_category.get(cell.category, ()), read_metrics(workspace.evaluation(cell)))
    unannotated = {name: _select(row, annotated=False) for name, row in rows.items()}
    bare = {category for row in unannotated.values() for category in row}
    results = Results(
        tuple(category for category in params.categories if category not in bare),
        params.seeds,
        {name: found for name, row in rows.items() if (found := _select(row, annotated=True))},
        reconstruction,
        {
            key: found
            for key, cells in backbones.items()
            if (found := {c: m for c, m in cells.items() if c not in bare})
        },
        read_trainings(workspace),
        {name: row for name, row in unannotated.items() if row},
    )
    _check(results)
    return results


def _select(row: RowScores, annotated: bool) -> RowScores:
    """The categories of a row that have annotated keypoints, or those that have none."""
    return {category: scored for category, scored in row.items() if scored[0].metrics.annotated == annotated}


def all_metrics(results: Results) -> list[Metrics]:
    """The metrics of every row, category and seed."""
    return [scored.metrics for row in results.rows.values() for seeds in row.values() for scored in seeds]


def trained_rows(results: Results) -> dict[str, RowScores]:
    """The rows that show a trained model."""
    return only_trained(results.rows)


def only_trained(rows: dict[str, RowScores]) -> dict[str, RowScores]:
    """Those of some rows that show a trained model."""
    return {name: row for name, row in rows.items() if first_metrics(row).trained is not None}


def first_metrics(row: RowScores) -> Metrics:
    """Metrics of a row's first category and seed.

    Use it only for fields that all categories and seeds of a row share, such as switches and backends.
    """
    return next(iter(row.values()))[0].metrics


def title_of(results: Results, name: str) -> str:
    """The row's name in the paper's words."""
    return row_title(name, first_metrics(results.rows[name]))


def _read_scored(folder: Path, method: str | None = None) -> Scored:
    metrics, points = read_metrics(folder), read_points(folder)
    if method is None:
        method = metrics.trained.switches.reading if metrics.trained else "projection"
    measured = metrics.pck if metrics.annotated else metrics.consistency
    if method not in measured:
        raise InputError(f"{folder}: expected scores of '{method}', found {', '.join(measured)}. Run `dvc repro`.")
    return Scored(metrics, points[points["method"] == method].reset_index(drop=True), method)


def _check(results: Results) -> None:
    if not results.rows and not results.unannotated:
        raise InputError("params.yaml: `categories`, or `trained` and evaluation.baselines, are empty: no table.")
    metrics = all_metrics(results)
    by_category: dict[str, Metrics] = {}
    for one in metrics:
        like = by_category.setdefault(one.category, one)
        same = (one.settings, _thresholds(one)) == (metrics[0].settings, _thresholds(metrics[0]))
        if not same or (one.pairs_sha256, one.skipped.keys()) != (like.pairs_sha256, like.skipped.keys()):
            raise InputError(
                f"The scores of '{one.category}' stem from different parameters or pairs. "
                "Run `dvc repro` to bring all cells up to date."
            )
        if not all(threshold_name(TABLE_ALPHA) in thresholds for thresholds in one.pck.values()):
            raise InputError(
                f"params.yaml: evaluation.alphas lacks {TABLE_ALPHA:g}, the threshold of the table. Add it."
            )


def _thresholds(metrics: Metrics) -> set[str]:
    return set().union(*metrics.pck.values())
