"""Table 1 of the paper: PCK of every row, and further tables on thresholds, search, backbones and meshes."""

from pipeline.config.params import Bootstrap
from pipeline.evaluation.pck import TABLE_ALPHA, Pck
from pipeline.evaluation.result import threshold_name
from pipeline.reporting.confidence import confidence_notes, confidence_table
from pipeline.reporting.differences import pck_difference
from pipeline.reporting.mesh_tables import mesh_notes, mesh_tables
from pipeline.reporting.notes import interval_note, pair_notes, warnings_of
from pipeline.reporting.results import Results, RowScores, first_metrics, title_of, trained_rows
from pipeline.reporting.rows import REFERENCE, backbone_title, beyond_paper, row_title
from pipeline.reporting.table import Grid, Row, Table, average_title, category_average, category_row, table_columns

READINGS = {"projection alone": "projection", "with local search": "search", "guided search": "guided"}
"""Ways to read matches off one model, by the heading of their column."""


def build_table1(results: Results, bootstrap: Bootstrap) -> Table:
    """The table with the differences to Ours, and the further tables."""
    reference = results.rows.get(REFERENCE)
    rows = []
    for name, row in results.rows.items():
        interval = None
        if reference is not None and name != REFERENCE:
            interval = pck_difference(row, reference, TABLE_ALPHA, bootstrap)
        rows.append(category_row(title_of(results, name), pck_by_category(row), interval, beyond_paper(name)))
    heading = f"− {title_of(results, REFERENCE)}" if reference and len(rows) > 1 else None
    title = f"Table 1: PCK@{threshold_name(TABLE_ALPHA)} (%)"
    columns = table_columns(results.categories)
    main = Grid(title, columns, tuple(rows), average_title(results.categories), heading)
    notes = (*pair_notes(results), *([interval_note(bootstrap)] if heading else []), *mesh_notes(results))
    notes += tuple(confidence_notes(results))
    details = [_thresholds(results), *_readings(results), *mesh_tables(results), *confidence_table(results)]
    return Table(main, warnings_of(results), notes, tuple(details))


def pck_by_category(
    row: RowScores, threshold: str = threshold_name(TABLE_ALPHA), mean: str = "per_image"
) -> dict[str, list[float]]:
    """PCK in per cent by category, one number for each seed.

    Args:
        threshold: name of the threshold.
        mean: the mean over the keypoints, a field of `Pck`.
    """
    return {
        category: [100 * getattr(one.metrics.pck[one.method][threshold], mean) for one in scored]
        for category, scored in row.items()
    }


def _thresholds(results: Results) -> Grid:
    """Averages over the categories at each threshold, per image and then per point."""
    metrics = first_metrics(next(iter(results.rows.values())))
    names = sorted(next(iter(metrics.pck.values())), key=float)
    columns = {f"{name} {mean.removeprefix('per_')}": (name, mean) for mean in Pck._fields for name in names}
    rows = []
    for name, row in results.rows.items():
        averages = {column: category_average(pck_by_category(row, *pck)) for column, pck in columns.items()}
        rows.append(Row(title_of(results, name), averages))
    return Grid("Averages at all thresholds, per image and per point (%)", tuple(columns), tuple(rows))


def _readings(results: Results) -> list[Grid]:
    """Averages of each trained variant on each backbone, in each way to read matches off the model."""
    threshold = threshold_name(TABLE_ALPHA)
    rows = []
    for name in trained_rows(results):
        for (variant, _), by_category in results.backbones.items():
            if variant != name:
                continue
            metrics = next(iter(by_category.values()))[0]
            values = {}
            for column, method in READINGS.items():
                pck = {c: [100 * m.pck[method][threshold].per_image for m in seeds] for c, seeds in by_category.items()}
                values[column] = category_average(pck)
            rows.append(Row(f"{row_title(name, metrics)} on {backbone_title(metrics)}", values))
    if not rows:
        return []
    title = f"Backbone and search: average PCK@{threshold} (%) of the same models, each read in three ways"
    return [Grid(title, tuple(READINGS), tuple(rows))]
