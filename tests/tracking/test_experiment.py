"""The run of a whole experiment: averages, description, files, its end; and the data sets of its runs."""

import json
import time

import pytest

from pipeline.base.checksums import write_checksums
from pipeline.base.errors import InputError
from pipeline.base.files import write_json
from pipeline.config.workspace import Workspace
from pipeline.photographs.lists import write_instances
from pipeline.tracking.data_used import evaluation_data, training_data
from pipeline.tracking.experiment_summary import ExperimentSummary, summarise_experiment
from pipeline.tracking.record import Record
from support.mlflow_runs import EXPERIMENT, RECORD, client, deliver, delivery, runs
from support.photographs import make_instance
from support.tiny import tiny_params

SUMMARY = ExperimentSummary({"pck10/ours": 63.6, "chamfer/ours": 3.1}, "**33 trainings**\n")
REPORT = Record("report", "report", {}, {}, "e" * 64, summary=SUMMARY)


def _parent(root):
    found = client(root).get_experiment_by_name(EXPERIMENT)
    (parent,) = client(root).search_runs([found.experiment_id], "tags.kind = 'experiment'")
    return parent


def test_the_report_fills_the_run_of_the_experiment(tmp_path):
    page = tmp_path / "index.html"
    page.write_text("<!doctype html>")
    deliver(tmp_path, {0: {"mask": 1.0}})
    assert _parent(tmp_path).data.metrics == {}
    made = delivery(tmp_path, record=REPORT)
    made.attach(page)
    made.end("FINISHED")
    made.attempt()
    parent = _parent(tmp_path)
    assert parent.data.metrics == {"pck10/ours": 63.6, "chamfer/ours": 3.1}
    assert parent.data.tags["mlflow.note.content"] == "**33 trainings**\n"
    assert parent.data.tags["mlflow.source.name"] == "dvc.yaml"
    assert [file.path for file in client(tmp_path).list_artifacts(parent.info.run_id)] == ["index.html"]


def test_the_experiment_ends_with_the_last_of_its_runs(tmp_path):
    deliver(tmp_path, {0: {"mask": 1.0}})
    first = _parent(tmp_path).info
    time.sleep(0.05)
    deliver(tmp_path, {0: {"mask": 1.0}}, record=REPORT)
    last = _parent(tmp_path).info
    assert last.start_time == first.start_time and last.end_time >= first.end_time + 50


def test_a_failure_stays_in_sight_until_there_is_a_report(tmp_path):
    deliver(tmp_path, {}, status="FAILED")
    assert _parent(tmp_path).info.status == "FAILED"
    other = Record("training", "train", {**RECORD.cell, "seed": 4}, {}, "f" * 64)
    deliver(tmp_path, {}, record=other)
    assert _parent(tmp_path).info.status == "FAILED"
    deliver(tmp_path, {}, record=REPORT)
    assert _parent(tmp_path).info.status == "FINISHED"


def test_a_training_and_an_evaluation_say_what_data_they_used(tmp_path):
    workspace = Workspace(tmp_path, tiny_params())
    assert training_data(workspace, "car") == evaluation_data(workspace, "car") == ()
    write_instances(workspace.instances("car"), [make_instance("a"), make_instance("b"), make_instance("c", "test")])
    counts = {"pairs": 2, "evaluation": 1}
    write_json(workspace.instances_summary("car"), {"counts": counts, "pairs_sha256": "9" * 64})
    write_checksums(workspace.instances("car").parent)
    data = [*training_data(workspace, "car"), *evaluation_data(workspace, "car")]
    deliver(tmp_path, {}, record=Record("training", "train", {}, {}, "a" * 64, data=data))
    (run,) = runs(tmp_path)
    used = {one.dataset.name: one for one in run.inputs.dataset_inputs}
    assert {name.split(",")[0] for name in used} == {"car"} and len(used) == 2
    contexts = {one.tags[0].value: one.dataset for one in used.values()}
    assert json.loads(contexts["training"].profile) == {"photographs": 2}
    assert json.loads(contexts["evaluation"].profile) == {"pairs": 2, "photographs": 1}
    assert contexts["evaluation"].digest == "9" * 36


def test_the_summary_has_the_averages_of_every_row(tmp_path):
    workspace = Workspace(tmp_path, tiny_params())
    report = {"ours/avg/pck10": 60.0, "ours/car/pck10": 70.0, "mp/avg/pck10": 20.0}
    report |= {"ours/avg/chamfer": 3.14, "car/pairs": 9}
    write_json(workspace.reports / "metrics.json", report)
    summary = summarise_experiment(workspace)
    assert summary.values == {"pck10/ours": 60.0, "pck10/mp": 20.0, "chamfer/ours": 3.14}
    assert "| ours | 60.0 | 3.1 |" in summary.description and "| mp | 20.0 |  |" in summary.description
    assert "simulated data" in summary.description
    (workspace.reports / "metrics.json").write_text("[]")
    with pytest.raises(InputError, match=r"metrics\.json: expected a JSON object"):
        summarise_experiment(workspace)
