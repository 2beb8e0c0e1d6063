"""Real processes: writers at once on one database, and a stage that is killed and comes back."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

from pipeline.tracking.loading import load_mlflow
from pipeline.tracking.record import Record
from support.mlflow_runs import client, deliver, delivery, history, runs, values
from support.paths import ROOT

WRITERS = 4
PATIENCE = 300
"""Seconds to wait for what takes a second or five: the machine may be busy."""
STAGE = """
import sys, time
from pathlib import Path
from pipeline.tracking.tracker import Tracker
from support.mlflow_runs import EXPERIMENT, RECORD

with Tracker(RECORD, EXPERIMENT, Path(sys.argv[1]), checkpoints=Path(sys.argv[1])) as tracker:
    tracker.metrics({"total": 2.5}, 1)
    print(sorted({"mlflow", "sqlalchemy"} & sys.modules.keys()), flush=True)
    time.sleep(600)
"""


def write(root, number):
    made = delivery(root, record=Record("training", "train", {"seed": number}, {}, ""))
    for step in range(5):
        made.add(values({step: {f"m{i}": float(step) for i in range(20)}}))
        made.attempt()
    made.end("FINISHED")
    made.attempt()


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_four_writers_at_once_on_an_empty_folder(tmp_path):
    # Forked processes have MLflow already, whose import takes far longer than what is tested.
    load_mlflow(f"sqlite:///{tmp_path}/mlflow.db")
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=write, args=(tmp_path, number)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(PATIENCE)
    assert [writer.exitcode for writer in writers] == [0] * WRITERS
    found = runs(tmp_path)
    assert sorted(run.data.tags["seed"] for run in found) == [str(number) for number in range(WRITERS)]
    assert {run.info.status for run in found} == {"FINISHED"}
    assert len({run.data.tags["mlflow.parentRunId"] for run in found}) == 1
    for run in found:
        assert history(tmp_path, run, "m7") == [(step, float(step)) for step in range(5)]
    assert not list(tmp_path.glob("mlflow.db.unusable*"))


def test_a_stage_that_is_killed_ends_as_killed_and_the_next_one_goes_on(root):
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "tests")))
    command = [sys.executable, "-c", STAGE, str(root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": paths}) as stage:
        try:
            assert stage.stdout and stage.stdout.readline() == "[]\n"
            wait_for(lambda: [run.data.metrics for run in runs(root)] == [{"total": 2.5}])
        finally:
            stage.send_signal(signal.SIGKILL)
    wait_for(lambda: runs(root)[0].info.status == "KILLED")
    assert (root / "mlflow.json").is_file()
    # A training that goes on reports the rows before its checkpoint again.
    deliver(root, {1: {"total": 2.5}, 2: {"total": 1.5}}, memory=root / "mlflow.json")
    (run,) = runs(root)
    assert run.info.status == "FINISHED"
    assert history(root, run, "total") == [(1, 2.5), (2, 1.5)]
    assert len(client(root).get_metric_history(run.info.run_id, "total")) == 2
    assert not (root / "mlflow.json").exists()


def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)
