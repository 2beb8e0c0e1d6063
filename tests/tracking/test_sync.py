"""Sync adds what is missing, nothing twice, and says what it could not add."""

import json
import re

import pytest

from pipeline.base.checksums import write_checksums
from pipeline.base.errors import InputError
from pipeline.base.files import write_json
from pipeline.base.yaml_text import parse_yaml
from pipeline.config.params import parse_params
from pipeline.config.workspace import Workspace
from pipeline.tracking import recordings
from pipeline.tracking.record import Record
from pipeline.tracking.store import INCOMPLETE
from pipeline.tracking.sync import sync
from support.mlflow_runs import CELL, CONFIG, client, delivery, history, request, runs, values
from support.mlflow_server import fail, serving
from support.paths import ROOT

LIVE = Record("training", "train", CELL._asdict(), CONFIG, "i" * 64)
"""The record of the training that `write_cell` writes."""


@pytest.fixture
def workspace(root):
    content = parse_yaml((ROOT / "params.yaml").read_text())
    content |= {"categories": ["car", "chair"], "trained": ["ours"], "seeds": [3], "tracking": {"experiment": "test"}}
    content["reconstruction"]["variants"] = ["ours"]
    return Workspace(root, parse_params(content))


def write_cell(workspace: Workspace, category: str) -> None:
    """The files that a training and an evaluation leave."""
    folder = workspace.model(CELL._replace(category=category))
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(json.dumps({"config": CONFIG, "identity": "i" * 64}))
    (folder / "curve.csv").write_text("step,total,depth\n1,2.5,\n2,1.5,0.25\n")
    (folder / "model.safetensors").write_bytes(b"weights")
    write_checksums(folder)
    folder = workspace.evaluation(CELL._replace(category=category))
    folder.mkdir(parents=True)
    scores = {
        "pck": {"ours": {"0.1": {"per_image": 0.615}}},
        "settings": {"backends": {"features": "simulated"}, "huge": 10**400},
        "skipped": {"a-b": "why"},
        "images": 7,
    }
    (folder / "metrics.json").write_text(json.dumps(scores))
    write_checksums(folder)


def recorded(workspace) -> list[str]:
    return [outcome.name for outcome in sync(workspace).outcomes if outcome.recorded]


def by_kind(workspace):
    return {run.data.tags["kind"]: run for run in runs(workspace.root)}


def artifacts(workspace, kind):
    folder = workspace.root / "mlruns" / "test" / by_kind(workspace)[kind].info.run_id / "artifacts"
    return {path.name for path in folder.iterdir()}


def test_sync_adds_what_is_missing_and_nothing_twice(workspace):
    write_cell(workspace, "car")
    for path in (workspace.evaluation(CELL) / "pairs.parquet", workspace.predictions(CELL) / "sheet.png"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"picture")
    assert recorded(workspace) == ["train@ours-dinov2-car-3", "evaluate@ours-dinov2-car-3"]
    found = by_kind(workspace)
    assert history(workspace.root, found["training"], "total") == [(1, 2.5), (2, 1.5)]
    assert history(workspace.root, found["training"], "depth") == [(2, 0.25)]
    assert found["training"].data.params["training.steps"] == "2"
    assert artifacts(workspace, "training") == {"model.json", "curve.csv", "model.safetensors", "SHA256SUMS"}
    assert found["evaluation"].data.metrics["pck.ours.0.1.per_image"] == 0.615
    assert found["evaluation"].data.metrics["skipped"] == 1
    assert found["evaluation"].data.metrics["images"] == 7
    assert found["evaluation"].data.params["settings.backends.features"] == "simulated"
    assert found["evaluation"].data.params["settings.huge"] == str(10**400)
    assert found["evaluation"].data.params["loss.mask"] == "10.0"
    assert artifacts(workspace, "evaluation") == {"metrics.json", "sheet.png"}
    assert [outcome.recorded for outcome in sync(workspace).outcomes] == [False, False]
    write_cell(workspace, "chair")
    assert recorded(workspace) == ["train@ours-dinov2-chair-3", "evaluate@ours-dinov2-chair-3"]
    assert len(runs(workspace.root)) == 4


def test_counts_of_the_instances_are_recorded_once(workspace):
    counts = {"training_listed": 9, "training": 7, "pairs": 4, "evaluation": 3}
    summary = {"counts": counts, "pairs_sha256": "ab", "skipped": {"x": "no box"}}
    write_json(workspace.instances_summary("car"), summary)
    write_checksums(workspace.instances_summary("car").parent)
    assert recorded(workspace) == ["instances@car"]
    (run,) = runs(workspace.root)
    assert run.data.metrics == {**{f"counts.{name}": count for name, count in counts.items()}, "skipped": 1}
    assert run.data.params["pairs_sha256"] == "ab"
    assert recorded(workspace) == []


def test_baselines_and_report_are_recorded_once(workspace):
    folder = workspace.baselines("dinov2", "car")
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps({"pck": {"nearest_neighbour": {"0.1": {"per_image": 0.4}}}}))
    write_checksums(folder)
    workspace.figures.mkdir(parents=True)
    (workspace.figures / "pck_alpha.png").write_bytes(b"picture")
    (workspace.reports / "table1.md").write_text("# Table 1: 60.0")
    (workspace.reports / "metrics.json").write_text(json.dumps({"ours/avg/pck10": 60.0}))
    assert recorded(workspace) == ["baselines@dinov2-car", "report"]
    found = by_kind(workspace)
    assert found["baselines"].data.metrics["pck.nearest_neighbour.0.1.per_image"] == 0.4
    assert found["report"].data.metrics["ours/avg/pck10"] == 60
    assert artifacts(workspace, "report") == {"table1.md", "pck_alpha.png"}
    assert recorded(workspace) == []
    # The same numbers with other intervals are another report.
    (workspace.reports / "table1.md").write_text("# Table 1: 60.0 [59, 61]")
    assert recorded(workspace) == ["report"]
    assert len(runs(workspace.root)) == 3


@pytest.mark.parametrize("status", ["FINISHED", "KILLED"])
def test_sync_knows_a_run_that_was_recorded_live(workspace, status):
    write_cell(workspace, "car")
    live = delivery(workspace.root, record=LIVE)
    live.end(status)
    live.attempt()
    added = recorded(workspace)
    assert ("train@ours-dinov2-car-3" in added) is (status != "FINISHED")
    (run,) = [run for run in runs(workspace.root) if run.data.tags["kind"] == "training"]
    assert run.info.status == "FINISHED"


def test_sync_completes_a_run_whose_delivery_was_cut(workspace):
    """As when the end of a training did not wait any longer."""
    write_cell(workspace, "car")
    live = delivery(workspace.root, record=LIVE)
    live.add(values({1: {"total": 2.5}}))
    live.end("FINISHED")
    live.attempt()
    run = by_kind(workspace)["training"].info.run_id
    client(workspace.root).set_tag(run, INCOMPLETE, "yes")
    assert "train@ours-dinov2-car-3" in recorded(workspace)
    found = by_kind(workspace)["training"]
    assert found.info.run_id == run and INCOMPLETE not in found.data.tags
    assert len(client(workspace.root).get_metric_history(run, "total")) == 2


def test_sync_stops_at_an_unreachable_server(workspace, monkeypatch):
    write_cell(workspace, "car")
    write_cell(workspace, "chair")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:letmein@127.0.0.1:9")
    result = sync(workspace)
    assert result.outcomes == []
    assert result.unreachable.startswith("http://***@127.0.0.1:9: ")
    assert "letmein" not in result.unreachable


def test_sync_goes_on_where_one_cell_is_refused_and_stops_where_the_server_dies(workspace, monkeypatch):
    for category in ("car", "chair"):
        write_cell(workspace, category)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with serving() as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
        answer = server.respond

        def refuse_cars(name, body):
            refused = name == "runs/create" and {"key": "category", "value": "car"} in body["tags"]
            return answer("runs/log-batch", {"run_id": "none"}) if refused else answer(name, body)

        server.respond = refuse_cars
        result = sync(workspace)
        assert [bool(outcome.problem) for outcome in result.outcomes] == [True, True, False, False]
        assert [outcome.recorded for outcome in result.outcomes] == [False, False, True, True]
        assert not result.unreachable
        server.respond = answer
        server.misbehaviour, server.patience = fail, 8
        result = sync(workspace)
        assert len(result.outcomes) == 1 and result.outcomes[0].problem and result.unreachable


def test_sync_names_files_that_are_refused(workspace, monkeypatch):
    write_cell(workspace, "car")
    (workspace.root / "mlruns").write_text("a file where MLflow puts its folder")
    outcomes = sync(workspace).outcomes
    assert [outcome.recorded for outcome in outcomes] == [True, True]
    assert all(re.search(r"models/.*|metrics\.json", outcome.problem) for outcome in outcomes)
    (workspace.root / "mlruns").unlink()
    assert [outcome.problem for outcome in sync(workspace).outcomes] == ["", ""]
    assert artifacts(workspace, "evaluation") == {"metrics.json"}
    assert len(runs(workspace.root)) == 2


def test_sync_names_a_damaged_file(workspace):
    write_cell(workspace, "car")
    path = workspace.evaluation(CELL) / "metrics.json"
    path.write_text(path.read_text().replace("0.615", "0.715"))
    with pytest.raises(InputError, match="metrics.json"):
        sync(workspace)
    assert runs(workspace.root) == []


def test_a_stage_records_its_cell(workspace, monkeypatch):
    write_cell(workspace, "car")
    opened = []
    monkeypatch.setattr("pipeline.tracking.tracker.Tracker._open", lambda tracker: opened.append(tracker._opening))
    recordings.record(workspace, recordings.reconstruction(workspace, CELL))
    assert opened == []
    recordings.record(workspace, recordings.training(workspace, CELL))
    assert opened[0]["request"] == {**request(LIVE)._asdict(), "once": True}
