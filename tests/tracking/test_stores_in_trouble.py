"""Databases that do not take a run: the attempt says why, in time, and a later one delivers everything."""

import contextlib
import re
import resource
import sqlite3

import pytest

from pipeline.tracking.loading import load_mlflow
from pipeline.tracking.worker import attempt
from support.mlflow_runs import client, delivery, history, runs, values

ROWS = {step: {"total": 1.0 / step} for step in range(1, 4)}


@contextlib.contextmanager
def full(root):
    """No file can grow beyond a page, as on a disk without space."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def locked(root):
    with contextlib.closing(sqlite3.connect(root / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextlib.contextmanager
def read_only(root):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///file:{root}/mlflow.db?mode=ro&uri=true")
        yield


@contextlib.contextmanager
def unwritable(root):
    """A file where the folder of the database should be."""
    (root / "file").write_text("")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", "sqlite:///file/mlflow.db")
        yield


def filled(root):
    made = delivery(root)
    made.add(values(ROWS))
    made.end("FINISHED")
    return made


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr("pipeline.tracking.database.BUSY_SECONDS", 0.1)


@pytest.mark.parametrize(
    ("trouble", "said"),
    [(full, "I/O|full"), (locked, "locked"), (read_only, "readonly"), (unwritable, "[Nn]ot a directory|exists")],
)
def test_a_later_attempt_delivers_everything(root, trouble, said):
    made = filled(root)
    with trouble(root):
        problem = attempt(made, 60)
    assert re.search(said, problem)
    assert attempt(made, 60) == ""
    (run,) = runs(root)
    assert run.info.status == "FINISHED"
    assert history(root, run, "total") == [(step, 1.0 / step) for step in ROWS]
    assert len(client(root).get_metric_history(run.info.run_id, "total")) == 3


def test_a_disk_without_space_for_the_database_leaves_none(tmp_path):
    load_mlflow(f"sqlite:///{tmp_path}/mlflow.db")
    made = filled(tmp_path)
    with full(tmp_path):
        assert attempt(made, 60)
    assert not list(tmp_path.glob("*mlflow.db*"))
    assert attempt(made, 60) == ""
    assert [run.info.status for run in runs(tmp_path)] == ["FINISHED"]
