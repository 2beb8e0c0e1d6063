"""The flat summary of a run for `dvc metrics` and `dvc exp show`."""

from pipeline.reporting.results import Results, all_metrics, trained_rows
from pipeline.reporting.table1 import MEASURES, mesh_measure
from pipeline.reporting.table2 import chamfer_by_category


def summarise(results: Results) -> dict[str, float]:
    """Means over the seeds by '<row>/<avg or category>/<measure>'.

    Measures are PCK in per cent 'pck<100 alpha>' (pooled over keypoints: '_per_point'), those of the meshes, and
    'chamfer'; '<category>/pairs' counts pairs. 'avg' is the unweighted mean over the categories that were run.
    """
    summary: dict[str, float] = {f"{metrics.category}/pairs": metrics.pairs for metrics in all_metrics(results)}
    for name, cells in results.rows.items():
        first = next(iter(cells.values()))[0]
        for alpha in first.metrics.pck[first.method]:
            for kind, suffix in (("per_image", ""), ("per_point", "_per_point")):
                values = {
                    category: [100 * getattr(one.metrics.pck[one.method][alpha], kind) for one in scored]
                    for category, scored in cells.items()
                }
                summary |= _named(name, f"pck{round(100 * float(alpha)):02d}{suffix}", values)
    for name, cells in trained_rows(results).items():
        for _, key, value in MEASURES:
            if values := mesh_measure(cells, value):
                summary |= _named(name, key, values)
    for name, scores in results.reconstruction.items():
        summary |= _named(name, "chamfer", chamfer_by_category(scores, lambda image: image.similarity))
    return summary


def _named(row: str, measure: str, values: dict[str, list[float]]) -> dict[str, float]:
    means = {category: sum(numbers) / len(numbers) for category, numbers in values.items()}
    means["avg"] = sum(means.values()) / len(means)
    return {f"{row}/{category}/{measure}": round(mean, 4) for category, mean in means.items()}
