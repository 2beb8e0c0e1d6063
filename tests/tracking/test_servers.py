"""Servers that misbehave: an attempt ends in time, and a later one delivers what is missing, once."""

import signal
import threading

import pytest

from pipeline.tracking.store import INCOMPLETE
from pipeline.tracking.worker import attempt
from support.mlflow_runs import delivery, values
from support.mlflow_server import MISBEHAVIOURS, drip, serving

ROWS = {step: {"total": 1.0 / step, "depth": 0.5} for step in range(1, 4)}


@pytest.fixture
def server(monkeypatch):
    # So that no failed request is sent again, which costs up to a second, and a server that hangs costs one.
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with serving() as server:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
        yield server


@pytest.fixture
def made(tmp_path):
    (tmp_path / "model.json").write_text("{}")
    made = delivery(tmp_path)
    made.add(values(ROWS))
    made.attach(tmp_path / "model.json")
    made.end("FINISHED")
    return made


def check_delivered(server):
    (run,) = server.cells
    assert run["status"] == "FINISHED" and INCOMPLETE not in run["tags"]
    assert sorted((m["key"], m["step"]) for m in run["metrics"]) == sorted(
        (name, step) for step, row in ROWS.items() for name in row
    )
    assert server.artifacts == {"model.json": b"{}"}


def test_a_server_gets_everything(server, made):
    assert attempt(made, 20) == ""
    check_delivered(server)


@pytest.mark.parametrize("misbehaviour", MISBEHAVIOURS)
@pytest.mark.parametrize("answered", [0, 7])
def test_what_a_server_did_not_take_is_delivered_later(server, made, misbehaviour, answered):
    def misbehave(handler):
        if misbehaviour is drip:
            # No limit of MLflow ends this one. The time of the attempt is over soon, however slow the machine is.
            threading.Timer(0.1, signal.pthread_kill, (threading.main_thread().ident, signal.SIGALRM)).start()
        misbehaviour(handler)

    server.misbehaviour, server.patience = misbehave, answered
    assert attempt(made, 60)
    assert server.requests == answered + 1
    server.misbehaviour = None
    assert attempt(made, 20) == ""
    check_delivered(server)


def test_nothing_listens(tmp_path, monkeypatch, made):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    # Port 9 of the loopback address: nothing listens there.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:letmein@127.0.0.1:9?token=verysecret")
    problem = attempt(made, 20)
    assert "letmein" not in problem and "verysecret" not in problem and "127.0.0.1" in problem
    assert not (tmp_path / "mlflow.db").exists()


def test_a_server_that_refuses_files_keeps_the_metrics(server, made):
    server.refuses_artifacts = True
    assert attempt(made, 20) == ""
    assert len(made.refused) == 1 and "model.json" in made.refused[0]
    (run,) = server.cells
    assert run["status"] == "FINISHED" and INCOMPLETE in run["tags"] and len(run["metrics"]) == 6
