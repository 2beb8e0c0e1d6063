"""Views of an experiment that MLflow's interface opens by their keys."""

import json
import re

from pipeline.tracking.experiment_summary import ExperimentSummary
from pipeline.tracking.store import Store
from pipeline.tracking.views import CURVES, EVALUATIONS, SHARED, address, links, tables, view_tags


def test_averages_come_first_and_only_those_that_are_shown():
    view = tables(["mask_iou/ours", "chamfer/ours", "pck10/ours", "pck10/mp", "drift/mp"])
    assert view.columns == ("metrics.`pck10/ours`", "metrics.`pck10/mp`", "metrics.`chamfer/ours`")


def test_the_description_leads_to_each_view():
    views = [tables(["pck10/ours"]), EVALUATIONS, CURVES]
    states = {name.removeprefix(SHARED): json.loads(text) for name, text in view_tags(views).items()}
    assert set(states) == {"tables", "evaluations", "curves"}
    found = re.findall(r"\[(.*?)\]\((.*?)\)", links(views, "7"))
    assert found == [(view.title, address(view, "7")) for view in views]
    assert all(link.startswith("#/experiments/7/runs?workflowType=machine_learning&") for _, link in found)
    assert states["evaluations"]["searchFilter"] == "tags.`kind` = 'evaluation'"
    # In the order of time MLflow folds cells below the run of their experiment.
    assert states["tables"]["orderByKey"] == "attributes.start_time" != states["curves"]["orderByKey"]


def test_an_experiment_has_views_from_the_beginning_and_links_from_its_report(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    store = Store(tmp_path, "mine")
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.get_experiment_by_name("mine")
    assert experiment and {f"{SHARED}{key}" for key in ("evaluations", "trainings", "curves")} <= set(experiment.tags)
    store.summarise(ExperimentSummary({"pck10/ours": 50.0}, "text"))
    experiment = client.get_experiment_by_name("mine")
    assert experiment and f"#/experiments/{experiment.experiment_id}/" in experiment.tags["mlflow.note.content"]
    assert "metrics.`pck10/ours`" in experiment.tags[f"{SHARED}tables"]
