"""The flat summary of a run for `dvc metrics` and `dvc exp show`."""

from collections.abc import Sequence

from pipeline.evaluation.result import Metrics


def summarise(scores: Sequence[Metrics]) -> dict[str, float]:
    """PCK in per cent by '<method>/<avg or category>/pck<100 alpha>', and the pairs by '<category>/pairs'.

    'avg' is the unweighted mean over the categories that were run; pooled numbers end in '_per_point'.
    """
    summary: dict[str, float] = {}
    for metrics in scores:
        summary[f"{metrics.category}/pairs"] = metrics.pairs
        for method, thresholds in metrics.pck.items():
            for alpha, score in thresholds.items():
                name = f"pck{round(100 * float(alpha)):02d}"
                summary[f"{method}/{metrics.category}/{name}"] = round(100 * score.per_image, 4)
                summary[f"{method}/{metrics.category}/{name}_per_point"] = round(100 * score.per_point, 4)
    for method, thresholds in scores[0].pck.items():
        for alpha in thresholds:
            name = f"pck{round(100 * float(alpha)):02d}"
            for kind, suffix in (("per_image", ""), ("per_point", "_per_point")):
                values = [getattr(metrics.pck[method][alpha], kind) for metrics in scores]
                summary[f"{method}/avg/{name}{suffix}"] = round(100 * sum(values) / len(values), 4)
    return summary
