"""Deliveries to real databases: what a run holds, which run is continued, and what stays honest after an error."""

import json
import os
import subprocess
import sys

import pytest

from pipeline.tracking.record import Record
from pipeline.tracking.store import INCOMPLETE, Store
from support.mlflow_runs import CELL, EXPERIMENT, client, deliver, delivery, history, runs, values

ROWS = {1: {"total": 2.5}, 2: {"total": 1.5, "depth": 0.25}}


@pytest.fixture
def killed(root):
    """A run whose process died in the middle, with the values of step 1."""
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) as process:
        deliver(root, {1: ROWS[1]}, status="", pid=process.pid, memory=root / "memory.json")
    return root


def test_run_holds_params_curve_tags_and_artifacts(root, tmp_path):
    (tmp_path / "template.png").write_bytes(b"picture")
    made = delivery(root)
    made.add(values({step: {"loss/mask": 1.0 / (step + 1), "PCK_0.1": 50.0 + step} for step in range(3)}))
    made.attach(tmp_path / "template.png", "renders")
    made.end("FINISHED")
    made.attempt()
    assert made.finished and not made.skipped
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
        "process.pid": str(os.getpid()),
    }
    assert expected.items() <= run.data.tags.items()
    assert {"git.commit", "dvc.baseline", "config.sha256", "data.sha256"} <= run.data.tags.keys()
    assert INCOMPLETE not in run.data.tags
    stored = root / "mlruns" / "test" / run.info.run_id / "artifacts" / "renders" / "template.png"
    assert stored.read_bytes() == b"picture"


def test_more_values_and_params_than_one_request_takes(root):
    record = Record("training", "train", CELL._asdict(), {f"p{i}": i for i in range(250)}, "")
    deliver(root, {step: {f"m{i}": float(i) for i in range(130)} for step in range(20)}, record=record)
    (run,) = runs(root)
    assert len(run.data.params) == 250
    assert len(run.data.metrics) == 130
    assert len(history(root, run, "m7")) == 20


def test_cells_of_one_experiment_share_a_parent(root, monkeypatch):
    monkeypatch.setenv("DVC_EXP_NAME", "it's-warm")
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "a" * 40)
    for category in ("car", "chair"):
        deliver(root, {}, record=Record("training", "train", {"category": category}, {}, ""))
    monkeypatch.setenv("DVC_EXP_NAME", "cold-bath")
    deliver(root, {})
    parents = [run.data.tags["mlflow.parentRunId"] for run in sorted(runs(root), key=lambda r: r.info.start_time)]
    assert parents[0] == parents[1] != parents[2]
    assert {client(root).get_run(parent).info.status for parent in parents} == {"FINISHED"}


def test_a_run_of_a_dead_process_is_killed_by_whoever_comes_next(killed):
    (run,) = runs(killed)
    assert run.info.status == "RUNNING"
    Store(killed, EXPERIMENT)
    (run,) = runs(killed)
    assert run.info.status == "KILLED"


def test_a_run_of_a_live_process_or_of_another_machine_is_left_alone(root, monkeypatch):
    deliver(root, {}, status="")
    monkeypatch.setattr("pipeline.tracking.owner.socket.gethostname", lambda: "elsewhere")
    deliver(root, {}, status="", pid=2**22 - 1, record=Record("training", "train", {}, {}, ""))
    monkeypatch.undo()
    Store(root, EXPERIMENT)
    assert [run.info.status for run in runs(root)] == ["RUNNING", "RUNNING"]


@pytest.mark.parametrize("remembered", [True, False])
def test_a_run_of_a_dead_process_is_continued(killed, remembered):
    (before,) = runs(killed)
    deliver(killed, ROWS, memory=killed / "memory.json" if remembered else None)
    (run,) = runs(killed)
    assert run.info.run_id == before.info.run_id
    assert run.info.status == "FINISHED"
    assert run.data.tags["process.pid"] == str(os.getpid())
    assert history(killed, run, "total") == [(1, 2.5), (2, 1.5)]
    assert len(client(killed).get_metric_history(run.info.run_id, "total")) == 2
    assert (killed / "memory.json").exists() is not remembered


def test_a_run_is_remembered_where_the_machine_changes_its_name(killed, monkeypatch):
    monkeypatch.setattr("pipeline.tracking.owner.socket.gethostname", lambda: "another-container")
    deliver(killed, ROWS, memory=killed / "memory.json")
    (run,) = runs(killed)
    assert run.info.status == "FINISHED"


def test_a_run_that_the_next_process_goes_on_with_is_not_killed(root):
    with subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE) as process:
        first = deliver(root, {1: ROWS[1]}, status="", pid=process.pid)
    deliver(root, ROWS, status="")
    first.end("KILLED")
    first.attempt()
    (run,) = runs(root)
    assert run.info.status == "RUNNING"
    assert run.data.tags["process.pid"] == str(os.getpid())


def test_a_damaged_or_foreign_memory_is_no_memory(killed, monkeypatch):
    monkeypatch.setattr("pipeline.tracking.owner.socket.gethostname", lambda: "another-container")
    damages = [b"", b"\xff", b"[1]", b"[" * 100_000, b'{"run": "x"}']
    for count, content in enumerate(damages, start=1):
        (killed / "memory.json").write_bytes(content)
        deliver(killed, {}, memory=killed / "memory.json")
        assert sorted(run.info.status for run in runs(killed)) == ["FINISHED"] * count + ["RUNNING"]


def test_the_memory_of_another_identity_does_not_count(killed, monkeypatch):
    monkeypatch.setattr("pipeline.tracking.owner.socket.gethostname", lambda: "another-container")
    other = Record("training", "train", CELL._asdict(), {"loss": {"mask": 9.0}}, "d" * 64)
    deliver(killed, ROWS, memory=killed / "memory.json", record=other)
    assert len(runs(killed)) == 2


def test_a_run_that_was_not_written_down_is_a_run_all_the_same(root):
    deliver(root, ROWS, memory=root / "mlflow.db" / "memory.json")
    assert [run.info.status for run in runs(root)] == ["FINISHED"]


def test_a_forced_rerun_is_a_second_run(root):
    deliver(root, ROWS)
    deliver(root, ROWS)
    assert [run.info.status for run in runs(root)] == ["FINISHED", "FINISHED"]


def test_once_is_once(root):
    deliver(root, ROWS)
    assert deliver(root, ROWS, once=True).skipped
    assert len(runs(root)) == 1


def test_a_run_that_another_process_is_recording_is_skipped(root):
    deliver(root, {}, status="")
    assert deliver(root, ROWS, once=True).skipped
    assert [run.info.status for run in runs(root)] == ["RUNNING"]


@pytest.mark.parametrize("status", ["FAILED", "KILLED"])
def test_a_run_that_ended_badly_keeps_its_values_and_is_completed_later(root, status):
    deliver(root, {1: {"total": float("nan"), "depth": float("inf")}}, status)
    (run,) = runs(root)
    assert run.info.status == status
    assert run.data.metrics.keys() == {"total", "depth"}
    deliver(root, ROWS, once=True)
    (run,) = runs(root)
    assert run.info.status == "FINISHED"
    assert history(root, run, "total")[1:] == [(2, 1.5)]


def test_a_refused_artifact_costs_no_metric_and_is_delivered_later(root, tmp_path):
    (tmp_path / "model.json").write_text("{}")
    made = delivery(root)
    made.add(values(ROWS))
    made.attach(tmp_path / "missing.png")
    made.attach(tmp_path / "model.json")
    made.end("FINISHED")
    made.attempt()
    assert made.finished and len(made.refused) == 1 and "missing.png" in made.refused[0]
    (run,) = runs(root)
    assert run.info.status == "FINISHED"
    assert run.data.metrics.keys() == {"total", "depth"}
    assert INCOMPLETE in run.data.tags
    (tmp_path / "missing.png").write_bytes(b"picture")
    made = delivery(root, once=True)
    made.add(values(ROWS))
    made.attach(tmp_path / "missing.png")
    made.end("FINISHED")
    made.attempt()
    (run,) = runs(root)
    assert INCOMPLETE not in run.data.tags
    assert (root / "mlruns/test" / run.info.run_id / "artifacts/missing.png").read_bytes() == b"picture"
    assert len(client(root).get_metric_history(run.info.run_id, "total")) == 2


def test_no_password_becomes_a_tag_or_a_parameter(root, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hunter2hunter2")
    config = {"source": "https://me:letmein@host/data?token=abcdef", "word": "hunter2hunter2", "list": ["a@b"]}
    deliver(root, {}, record=Record("training", "train", {"cell": "http://u:letmein@h"}, config, ""))
    (run,) = runs(root)
    assert run.data.params == {"source": "https://***@host/data?token=***", "word": "***", "list": "['a@b']"}
    assert "letmein" not in json.dumps(dict(run.data.tags))
