"""What `semagic sync` says, and its exit codes."""

import pytest

from pipeline.tracking.sync import Outcome, Synchronisation
from support.command_line import semagic
from support.paths import ROOT

ADDED, PRESENT, REFUSED = Outcome("train@a", True), Outcome("train@b", False), Outcome("evaluate@a", False, "too large")


@pytest.fixture
def sync(monkeypatch):
    """Run the command with a given result."""

    def run(outcomes, notes=(), unreachable=""):
        result = Synchronisation(list(outcomes), list(notes), unreachable)
        monkeypatch.setattr("pipeline.tracking.sync.sync", lambda workspace: result)
        return semagic("sync", "--root", ROOT)

    return run


def test_what_was_added_is_named(sync):
    done = sync([ADDED, PRESENT, ADDED._replace(name="evaluate@a")])
    assert (done.exit_code, done.stdout) == (0, "sync: 2 of 3 cells added to MLflow: train@a, evaluate@a\n")
    done = sync([PRESENT])
    assert (done.exit_code, done.stdout) == (0, "sync: 0 of 1 cells added to MLflow\n")


def test_a_database_that_was_replaced_is_named(sync):
    done = sync([ADDED], ["mlflow.db: kept as mlflow.db.unusable"])
    assert done.exit_code == 0
    assert done.stdout.startswith("sync: mlflow.db: kept as mlflow.db.unusable\n")


def test_a_store_out_of_reach_is_exit_code_1(sync):
    done = sync([], unreachable="http://host: connection refused")
    assert done.exit_code == 1
    assert "cannot be reached" in done.stderr and "http://host: connection refused" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_refused_cell_is_exit_code_1_after_what_was_added(sync):
    done = sync([ADDED, REFUSED])
    assert done.exit_code == 1
    assert done.stdout == "sync: 1 of 2 cells added to MLflow: train@a\n"
    assert done.stderr.startswith("error: evaluate@a: too large. ")
