"""Tracking: records are found again, a dead server costs seconds and one warning, sync adds what is missing."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
import yaml

from pipeline.base.errors import InputError
from pipeline.base.files import write_json
from pipeline.config.cells import Cell
from pipeline.config.params import parse_params
from pipeline.config.workspace import Workspace
from pipeline.tracking.store import repository_root
from pipeline.tracking.sync import sync
from pipeline.tracking.tracker import Record, Tracker, flatten, inputs_sha256, metric_name
from support.paths import ROOT

CONFIG = {"loss": {"mask": 10.0}, "training": {"seed": 3, "steps": 2}}
CELL = Cell("ours", "dinov2", "car", 3)
RECORD = Record("training", "train", CELL._asdict(), CONFIG, "d" * 64)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """A store with its schema, made once, as that takes seconds."""
    folder = tmp_path_factory.mktemp("store")
    with Tracker(RECORD, "other", folder) as tracker:
        assert tracker.active
    return folder / "mlflow.db"


@pytest.fixture
def root(tmp_path, empty_store):
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    return tmp_path


@pytest.fixture
def workspace(root):
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    content |= {"categories": ["car", "chair"], "trained": ["ours"], "seeds": [3]}
    content["reconstruction"]["variants"] = ["ours"]
    return Workspace(root, parse_params(content))


def runs(root: Path, experiment: str = "test") -> list:
    """Runs of the experiment's cells, parents left out."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{root / 'mlflow.db'}")
    found = client.get_experiment_by_name(experiment)
    return client.search_runs([found.experiment_id], "tags.kind != 'experiment'") if found else []


def history(root: Path, run, name: str) -> list[tuple[int, float]]:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{root / 'mlflow.db'}")
    return sorted((m.step, m.value) for m in client.get_metric_history(run.info.run_id, name))


def cell_of(category: str) -> Cell:
    return CELL._replace(category=category)


def write_cell(workspace: Workspace, category: str) -> None:
    """The files that a training and an evaluation leave."""
    folder = workspace.model(cell_of(category))
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(json.dumps({"config": CONFIG, "identity": "i" * 64}))
    (folder / "curve.csv").write_text("step,total,depth\n1,2.5,\n2,1.5,0.25\n")
    (folder / "model.safetensors").write_bytes(b"weights")
    folder = workspace.evaluation(cell_of(category))
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(
        json.dumps(
            {
                "pck": {"ours": {"0.1": {"per_image": 0.615}}},
                "settings": {"backends": {"features": "simulated"}},
                "skipped": {"a-b": "why"},
            }
        )
    )


def test_run_holds_params_curve_tags_and_artifacts(root, tmp_path):
    picture = tmp_path / "template.png"
    picture.write_bytes(b"picture")
    with Tracker(RECORD, "test", root) as tracker:
        for step in range(3):
            tracker.metrics({"loss/mask": 1.0 / (step + 1), "PCK@0.1": 50.0 + step}, step)
        tracker.artifact(picture, "renders")
    (run,) = runs(root)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"loss.mask": "10.0", "training.seed": "3", "training.steps": "2"}
    assert history(root, run, "loss/mask") == [(0, 1.0), (1, 0.5), (2, pytest.approx(1 / 3))]
    assert run.data.metrics["PCK_0.1"] == 52.0
    expected = {
        "category": "car",
        "seed": "3",
        "kind": "training",
        "dvc.stage": "train@ours-dinov2-car-3",
        "variant": "ours",
        "dvc.exp": "workspace",
    }
    assert expected.items() <= run.data.tags.items()
    assert {"git.commit", "dvc.baseline", "config.sha256", "data.sha256"} <= run.data.tags.keys()
    stored = root / "mlruns" / "test" / run.info.run_id / "artifacts" / "renders" / "template.png"
    assert stored.read_bytes() == b"picture"


def test_more_values_and_params_than_one_request_takes(root):
    config = {f"p{i}": i for i in range(250)}
    with Tracker(Record("training", "train", CELL._asdict(), config, ""), "test", root) as tracker:
        for step in range(20):
            tracker.metrics({f"m{i}": float(i) for i in range(130)}, step)
    (run,) = runs(root)
    assert len(run.data.params) == 250
    assert len(run.data.metrics) == 130
    assert len(history(root, run, "m7")) == 20


def test_cells_of_one_experiment_share_a_parent(root, monkeypatch):
    monkeypatch.setenv("DVC_EXP_NAME", "warm-bath")
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "a" * 40)
    for category in ("car", "chair"):
        with Tracker(Record("training", "train", cell_of(category)._asdict(), {}, ""), "test", root):
            pass
    monkeypatch.setenv("DVC_EXP_NAME", "cold-bath")
    with Tracker(RECORD, "test", root):
        pass
    parents = [run.data.tags["mlflow.parentRunId"] for run in sorted(runs(root), key=lambda r: r.info.start_time)]
    assert parents[0] == parents[1] != parents[2]


def test_an_exception_passes_and_marks_the_run(root):
    with pytest.raises(KeyError, match="mine"), Tracker(RECORD, "test", root) as tracker:
        tracker.metrics({"loss": float("nan")}, 1)
        raise KeyError("mine")
    (run,) = runs(root)
    assert run.info.status == "FAILED"
    assert "loss" in run.data.metrics


def test_unreachable_server_costs_one_warning_and_seconds(tmp_path, monkeypatch):
    # Port 9 of the loopback address: nothing listens there.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    start = time.monotonic()
    with pytest.warns(UserWarning, match="MLflow is off") as caught:
        tracker = Tracker(RECORD, "test", tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with tracker:
            tracker.metrics({"loss": 1.0}, 1)
            tracker.flush()
            tracker.artifact(tmp_path)
    assert len(caught) == 1
    assert not tracker.active
    assert not tracker.reachable
    assert time.monotonic() - start < 30
    assert not (tmp_path / "mlflow.db").exists()


def test_server_that_fails_in_the_middle_is_left_alone(root, tmp_path):
    tracker = Tracker(RECORD, "test", root)
    with pytest.warns(UserWarning, match="MLflow is off") as caught:
        tracker.artifact(tmp_path / "missing.png")
        tracker.metrics({"loss": 1.0})
        tracker.finish()
    assert len(caught) == 1


def test_processes_that_start_together_on_an_empty_folder(tmp_path):
    code = (
        "import sys; from pathlib import Path; from pipeline.tracking.tracker import Record, Tracker\n"
        "record = Record('training', 'train', {'category': sys.argv[1]}, {'a': 1}, '')\n"
        "with Tracker(record, 'test', Path(sys.argv[2])) as tracker: assert tracker.active; tracker.metrics({'x': 1.0})"
    )
    command = [sys.executable, "-W", "error::UserWarning:__main__", "-c", code]
    started = [
        subprocess.Popen([*command, name, str(tmp_path)], cwd=ROOT, env={**os.environ}, stderr=subprocess.PIPE)
        for name in ("car", "chair")
    ]
    for process in started:
        _, stderr = process.communicate(timeout=120)
        assert process.returncode == 0, stderr.decode()
    assert {run.data.tags["category"] for run in runs(tmp_path)} == {"car", "chair"}
    assert len({run.data.tags["mlflow.parentRunId"] for run in runs(tmp_path)}) == 1


def test_sync_adds_what_is_missing_and_nothing_twice(workspace):
    write_cell(workspace, "car")
    outcomes = sync(workspace)
    assert [(o.name, o.recorded) for o in outcomes] == [
        (f"{stage}@ours-dinov2-car-3", True) for stage in ("train", "evaluate")
    ]
    found = {run.data.tags["kind"]: run for run in runs(workspace.root, workspace.params.tracking.experiment)}
    assert history(workspace.root, found["training"], "total") == [(1, 2.5), (2, 1.5)]
    assert history(workspace.root, found["training"], "depth") == [(2, 0.25)]
    assert found["training"].data.params["training.steps"] == "2"
    assert found["evaluation"].data.metrics["pck.ours.0.1.per_image"] == 0.615
    assert found["evaluation"].data.metrics["skipped"] == 1
    assert found["evaluation"].data.params["settings.backends.features"] == "simulated"
    assert found["evaluation"].data.params["loss.mask"] == "10.0"
    assert [o.recorded for o in sync(workspace)] == [False, False]
    write_cell(workspace, "chair")
    assert [o.name for o in sync(workspace) if o.recorded] == [
        f"{stage}@ours-dinov2-chair-3" for stage in ("train", "evaluate")
    ]
    assert len(runs(workspace.root, workspace.params.tracking.experiment)) == 4


def test_pictures_of_predictions_and_matches_are_artifacts_of_the_evaluation(workspace):
    write_cell(workspace, "car")
    for path in (workspace.evaluation(CELL) / "pairs.parquet", workspace.predictions(CELL) / "sheet.png"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"picture")
    sync(workspace)
    experiment = workspace.params.tracking.experiment
    (run,) = (run for run in runs(workspace.root, experiment) if run.data.tags["kind"] == "evaluation")
    stored = workspace.root / "mlruns" / experiment / run.info.run_id / "artifacts"
    assert {p.name for p in stored.iterdir()} == {"metrics.json", "sheet.png"}


def test_counts_of_the_instances_are_recorded_once(workspace):
    summary = {"counts": {"training_listed": 9, "training": 7}, "pairs_sha256": "ab", "skipped": {"x": "no box"}}
    write_json(workspace.instances("car").with_name("summary.json"), summary)
    assert ("instances@car", True) in [(o.name, o.recorded) for o in sync(workspace)]
    (run,) = (
        run
        for run in runs(workspace.root, workspace.params.tracking.experiment)
        if run.data.tags["kind"] == "instances"
    )
    assert run.data.metrics == {"counts.training_listed": 9, "counts.training": 7, "skipped": 1}
    assert run.data.params["pairs_sha256"] == "ab"
    assert ("instances@car", False) in [(o.name, o.recorded) for o in sync(workspace)]


def test_sync_knows_a_run_that_was_recorded_live(workspace):
    write_cell(workspace, "car")
    live = Record("training", "train", CELL._asdict(), CONFIG, "i" * 64)
    with Tracker(live, workspace.params.tracking.experiment, workspace.root):
        pass
    assert [o.name for o in sync(workspace) if o.recorded] == ["evaluate@ours-dinov2-car-3"]


def test_sync_repeats_a_run_that_failed(workspace):
    write_cell(workspace, "car")
    live = Record("training", "train", CELL._asdict(), CONFIG, "i" * 64)
    with pytest.raises(KeyboardInterrupt), Tracker(live, workspace.params.tracking.experiment, workspace.root):
        raise KeyboardInterrupt
    assert "train@ours-dinov2-car-3" in [o.name for o in sync(workspace) if o.recorded]


def test_sync_stops_at_an_unreachable_server(workspace, monkeypatch):
    write_cell(workspace, "car")
    write_cell(workspace, "chair")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    with pytest.warns(UserWarning, match="MLflow is off") as caught:
        outcomes = sync(workspace)
    assert [o.recorded for o in outcomes] == [False]
    assert len(caught) == 1


def test_sync_names_a_damaged_file(workspace):
    write_cell(workspace, "car")
    path = workspace.evaluation(CELL) / "metrics.json"
    path.write_text("{")
    with pytest.raises(InputError, match="metrics.json"):
        sync(workspace)


def test_store_lies_in_the_repository_not_in_a_workspace_of_dvc(tmp_path, monkeypatch):
    assert repository_root(tmp_path) == tmp_path
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "clone"))
    assert repository_root(tmp_path) == tmp_path / "clone"
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "clone" / ".dvc" / "tmp" / "exps" / "tmpabc"))
    assert repository_root(tmp_path) == tmp_path / "clone"


def test_key_depends_on_config_data_stage_and_cell_only():
    reordered = {"training": {"steps": 2, "seed": 3}, "loss": {"mask": 10.0}}
    assert dataclasses.replace(RECORD, config=reordered).key == RECORD.key
    others = [
        dataclasses.replace(RECORD, config={**CONFIG, "loss": {"mask": 9.0}}),
        dataclasses.replace(RECORD, data_sha256="e" * 64),
        dataclasses.replace(RECORD, stage="evaluate"),
        *(
            dataclasses.replace(RECORD, cell=CELL._replace(**change)._asdict())
            for change in ({"category": "chair"}, {"seed": 4}, {"variant": "mp"}, {"backbone": "dino"})
        ),
    ]
    assert len({json.dumps(record.key) for record in [RECORD, *others]}) == 8


def test_baselines_and_report_are_recorded_once(workspace):
    folder = workspace.baselines("dinov2", "car")
    folder.mkdir(parents=True)
    (folder / "metrics.json").write_text(json.dumps({"pck": {"nearest_neighbour": {"0.1": {"per_image": 0.4}}}}))
    workspace.figures.mkdir(parents=True)
    (workspace.figures / "pck_alpha.png").write_bytes(b"picture")
    (workspace.reports / "table1.md").write_text("# Table 1")
    (workspace.reports / "metrics.json").write_text(json.dumps({"ours/avg/pck10": 60.0}))
    assert [(o.name, o.recorded) for o in sync(workspace)] == [("baselines@dinov2-car", True), ("report", True)]
    found = {run.data.tags["kind"]: run for run in runs(workspace.root, workspace.params.tracking.experiment)}
    assert found["baselines"].data.metrics["pck.nearest_neighbour.0.1.per_image"] == 0.4
    assert found["report"].data.metrics["ours/avg/pck10"] == 60
    stored = (
        workspace.root / "mlruns" / workspace.params.tracking.experiment / found["report"].info.run_id / "artifacts"
    )
    assert {p.name for p in stored.iterdir()} == {"table1.md", "pck_alpha.png"}
    assert [o.recorded for o in sync(workspace)] == [False, False]


def test_helpers(tmp_path):
    assert flatten({"a": {"b": 1, "c": {}}, "d": [1]}) == {"a.b": 1, "d": [1]}
    assert metric_name("ours/PCK@0.1 (car)") == "ours/PCK_0.1 _car_"
    (tmp_path / "x").write_text("1")
    before = inputs_sha256([tmp_path])
    assert inputs_sha256([tmp_path]) == before
    (tmp_path / "x").write_text("2")
    assert inputs_sha256([tmp_path]) != before
