"""Table 1 of the paper: PCK of every row, and what else is known of the rows that need a training."""

from collections.abc import Callable

from pipeline.config.categories import CATEGORIES
from pipeline.config.params import Bootstrap
from pipeline.evaluation.pck import TABLE_ALPHA
from pipeline.evaluation.result import MeshMeasures, Metrics, threshold_name
from pipeline.reporting.differences import pck_difference
from pipeline.reporting.notes import interval_note, pair_notes, warning_of
from pipeline.reporting.results import Results, Scored, first_metrics, title_of, trained_rows
from pipeline.reporting.rows import REFERENCE, backbone_title, row_title
from pipeline.reporting.table import Grid, Row, Table, Value, average_title, category_row, over_seeds

MEASURES: tuple[tuple[str, str, Callable[[MeshMeasures], float | None]], ...] = (
    ("Pose error (median geodesic error in degrees)", "pose_error", lambda mesh: mesh.pose_error),
    ("Pose error within 30 degrees (% of images)", "pose_within_30", lambda mesh: _percent(mesh.pose_within_30)),
    ("Mask IoU (%)", "mask_iou", lambda mesh: _percent(mesh.mask_iou)),
    ("Vertex drift (%)", "drift", lambda mesh: _percent(mesh.drift)),
    ("Shape variation (% of the template's diagonal)", "shape_variation", lambda mesh: _percent(mesh.shape_variation)),
)
"""Title, key and value of what is measured of the meshes."""


def build_table1(results: Results, bootstrap: Bootstrap) -> Table:
    """The table with the differences to Ours, and further ones on thresholds, search, backbones and meshes."""
    reference = results.rows.get(REFERENCE)
    rows = []
    for name, cells in results.rows.items():
        compared = reference is not None and name != REFERENCE
        interval = pck_difference(cells, reference, TABLE_ALPHA, bootstrap) if compared else None
        rows.append(category_row(title_of(results, name), pck_by_category(cells), interval))
    heading = f"− {title_of(results, REFERENCE)}" if reference and len(rows) > 1 else None
    title = f"Table 1: PCK@{threshold_name(TABLE_ALPHA)} (%)"
    main = Grid(title, CATEGORIES, tuple(rows), average_title(results.categories), heading)
    notes = (*pair_notes(results), *([interval_note(bootstrap)] if heading else []), *_mesh_notes(results))
    details = [_thresholds(results), *_readings(results), *_meshes(results)]
    return Table(main, warning_of(results), notes, tuple(details))


def pck_by_category(cells: dict[str, tuple[Scored, ...]]) -> dict[str, list[float]]:
    """PCK@0.1 in per cent, one number for each seed."""
    threshold = threshold_name(TABLE_ALPHA)
    return {
        category: [100 * one.metrics.pck[one.method][threshold].per_image for one in scored]
        for category, scored in cells.items()
    }


def mesh_measure(
    cells: dict[str, tuple[Scored, ...]], value: Callable[[MeshMeasures], float | None]
) -> dict[str, list[float]]:
    """A measure of the meshes, one number for each seed, of the categories that have it."""
    found = {category: [value(one.metrics.mesh) for one in scored] for category, scored in cells.items()}
    return {category: numbers for category, numbers in found.items() if None not in numbers}


def _thresholds(results: Results) -> Grid:
    """Averages over the categories at each threshold, per image and then per point."""
    metrics = first_metrics(next(iter(results.rows.values())))
    names = sorted(next(iter(metrics.pck.values())), key=float)
    kinds = (("image", lambda pck: pck.per_image), ("point", lambda pck: pck.per_point))
    columns = tuple(f"{name} {kind}" for kind, _ in kinds for name in names)
    rows = [
        Row(
            title_of(results, row),
            tuple(_average(cells, lambda m, k, n=n, s=s: 100 * s(m.pck[k][n])) for _, s in kinds for n in names),
        )
        for row, cells in results.rows.items()
    ]
    return Grid("Averages at all thresholds, per image and per point (%)", columns, tuple(rows))


def _readings(results: Results) -> list[Grid]:
    """Each trained variant on each backbone, read by projection alone and with the local search."""
    threshold = threshold_name(TABLE_ALPHA)
    rows = []
    for name in trained_rows(results):
        for (variant, _), cells in results.backbones.items():
            if variant == name:
                metrics = next(iter(cells.values()))[0]
                values = [
                    over_seeds(
                        [
                            sum(100 * m.pck[method][threshold].per_image for m in of_seed) / len(of_seed)
                            for of_seed in zip(*cells.values(), strict=True)
                        ]
                    )
                    for method in ("projection", "search")
                ]
                rows.append(Row(f"{row_title(name, metrics)} on {backbone_title(metrics)}", tuple(values)))
    if not rows:
        return []
    title = f"Backbone and local search: average PCK@{threshold} (%) of the same models read both ways"
    return [Grid(title, ("projection alone", "with local search"), tuple(rows))]


def _meshes(results: Results) -> list[Grid]:
    """What is measured of the meshes, for the categories that were run."""
    values = [(title, lambda cells, value=value: mesh_measure(cells, value)) for title, _, value in MEASURES]
    values.append(("Pairs evaluated (% of those listed)", _evaluated))
    grids = []
    for title, by_category in values:
        rows = {name: by_category(cells) for name, cells in trained_rows(results).items()}
        found = tuple(
            category_row(title_of(results, name), numbers, columns=results.categories)
            for name, numbers in rows.items()
            if numbers
        )
        if found:
            grids.append(Grid(title, results.categories, found, average_title(results.categories)))
    return grids


def _evaluated(cells: dict[str, tuple[Scored, ...]]) -> dict[str, list[float]]:
    return {
        category: [100 * one.metrics.pairs / one.metrics.pairs_listed for one in scored]
        for category, scored in cells.items()
    }


def _mesh_notes(results: Results) -> list[str]:
    if not trained_rows(results):
        return []
    return [
        "Pose errors are measured after one quarter turn about the up axis for each model, the one with the lowest "
        "median: a model without pose labels calls any side its front.",
        "Vertex drift: variance on the template of the vertices that the images assign to one keypoint, relative to "
        "that of random points of its surface, mean over keypoints. 0: always the same vertex; 100: no information.",
        "Shape variation: root mean square distance of a vertex to its mean over the instances. 0: all have one shape.",
        "Mask IoU is measured against the mask labels.",
    ]


def _average(cells: dict[str, tuple[Scored, ...]], value: Callable[[Metrics, str], float]) -> Value:
    """Over the categories, seed by seed."""
    seeds = zip(*([value(one.metrics, one.method) for one in scored] for scored in cells.values()), strict=True)
    return over_seeds([sum(of_seed) / len(of_seed) for of_seed in seeds])


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
