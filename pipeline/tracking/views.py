"""Ready-made views of an experiment in MLflow's interface: columns that matter first, without picking them.

MLflow keeps a view that somebody shares as a tag of the experiment, and opens it by the key in the address.
"""

import json
from collections.abc import Iterable
from typing import NamedTuple

SHARED = "mlflow.sharedViewState."
"""Beginning of the tags in which MLflow keeps views."""
MEASURES = ("pck10", "chamfer", "returned", "pose_error")
"""Measures of whole experiments that are shown, in this order; the others can be added as columns."""
CELL = ("tags.`variant`", "tags.`category`", "tags.`seed`")


class View(NamedTuple):
    """Some runs of an experiment, with some of their columns."""

    key: str
    title: str
    kind: str
    """Kind of the runs, which is a tag of theirs."""
    columns: tuple[str, ...]
    charts: bool = False
    """Whether it opens with charts in place of the table."""


EVALUATIONS = View(
    "evaluations",
    "Evaluations",
    "evaluation",
    (
        *CELL,
        *(f"metrics.`pck.{reading}.0.1.per_image`" for reading in ("projection", "search", "guided")),
        *(f"metrics.`mesh.{name}`" for name in ("pose_error", "mask_iou", "drift")),
    ),
)
TRAININGS = View("trainings", "Trainings", "training", (*CELL, "metrics.`total`", "attributes.`Duration`"))
CURVES = View("curves", "Loss curves", "training", (*CELL, "metrics.`total`"), charts=True)


def tables(metrics: Iterable[str]) -> View:
    """The runs of whole experiments, with those of their metrics '<measure>/<row>' as columns that are shown."""
    found = [name for name in metrics if name.split("/")[0] in MEASURES]
    found.sort(key=lambda name: MEASURES.index(name.split("/")[0]))
    return View("tables", "Tables 1 and 2", "experiment", tuple(f"metrics.`{name}`" for name in found))


def view_tags(views: Iterable[View]) -> dict[str, str]:
    """Tags of an experiment that has these views."""
    return {f"{SHARED}{view.key}": json.dumps(_state(view), sort_keys=True) for view in views}


def links(views: Iterable[View], experiment: str) -> str:
    """Description of an experiment, in Markdown, that leads to its views."""
    found = (f"[{view.title}]({address(view, experiment)})" for view in views)
    return f"Category models learned from photographs. Views: {', '.join(found)}."


def address(view: View, experiment: str) -> str:
    """Address of a view on a server, from its # on."""
    mode = "&compareRunsMode=CHART" if view.charts else ""
    return f"#/experiments/{experiment}/runs?workflowType=machine_learning&viewStateShareKey={view.key}{mode}"


def _state(view: View) -> dict[str, object]:
    """What MLflow's interface keeps of a view."""
    return {
        "searchFilter": f"tags.`kind` = '{view.kind}'",
        # Only in another order than that of time are cells listed by themselves, not folded below their experiment.
        "orderByKey": "attributes.start_time" if view.kind == "experiment" else "tags.`mlflow.runName`",
        "orderByAsc": view.kind != "experiment",
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
        "selectedColumns": list(view.columns),
    }
