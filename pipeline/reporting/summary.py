"""The flat summary of a run for `dvc metrics` and `dvc exp show`."""

from pipeline.evaluation.pck import Pck
from pipeline.reporting import confidence
from pipeline.reporting.mesh_tables import MEASURES, mesh_measure
from pipeline.reporting.results import Results, all_metrics, by_category, first_metrics, trained_rows
from pipeline.reporting.table1 import pck_by_category
from pipeline.reporting.table2 import chamfer_by_category
from pipeline.reporting.unannotated import CONSISTENCY

FIRST = ("pck10", "returned", "pose_error", "chamfer", "mask_iou")
"""Measures that come first, in this order; `dvc exp show` and the view of DVC show columns in the order of the file."""


def summarise(results: Results) -> dict[str, float]:
    """Means over the seeds by '<row>/<avg or category>/<measure>', what matters first.

    Measures are PCK in per cent 'pck<100 alpha>' (pooled over keypoints: '_per_point'), those of the meshes and of
    confidence, and 'chamfer'; of categories without keypoints those of consistency in place of PCK. '<category>/pairs'
    counts pairs. 'avg' is the unweighted mean over the categories that were run.
    """
    summary: dict[str, float] = {f"{metrics.category}/pairs": metrics.pairs for metrics in all_metrics(results)}
    for name, row in results.rows.items():
        for threshold in next(iter(first_metrics(row).pck.values())):
            for mean in Pck._fields:
                suffix = "" if mean == "per_image" else f"_{mean}"
                measure = f"pck{round(100 * float(threshold)):02d}{suffix}"
                summary |= _named(name, measure, pck_by_category(row, threshold, mean))
    for name, row in trained_rows(results).items():
        for _, key, value in MEASURES:
            if values := mesh_measure(row, value):
                summary |= _named(name, key, values)
        for _, key, value in confidence.MEASURES:
            if values := confidence.confidence_measure(row, value):
                summary |= _named(name, key, values)
    for name, row in results.unannotated.items():
        for _, key, value in CONSISTENCY:
            summary |= _named(
                name, key, by_category(row, lambda one, method, value=value: value(one.consistency[method]))
            )
        for _, key, value in MEASURES:
            if values := mesh_measure(row, value):
                summary |= _named(name, key, values)
    for name, row in results.reconstruction.items():
        summary |= _named(name, "chamfer", chamfer_by_category(row, lambda image: image.similarity))
    return {name: summary[name] for name in sorted(summary, key=_importance)}


def _importance(name: str) -> tuple[bool, bool, int]:
    """Averages before single categories, and of both those of `FIRST` first; rows keep the order of the table."""
    scope, _, measure = name.partition("/")[2].partition("/")
    rank = FIRST.index(measure) if measure in FIRST else len(FIRST)
    return rank == len(FIRST), scope != "avg", rank


def _named(row: str, measure: str, values: dict[str, list[float]]) -> dict[str, float]:
    """Means over the seeds of one measure, and their mean over the categories, under their names."""
    means = {category: sum(numbers) / len(numbers) for category, numbers in values.items()}
    means["avg"] = sum(means.values()) / len(means)
    return {f"{row}/{category}/{measure}": round(mean, 4) for category, mean in means.items()}
