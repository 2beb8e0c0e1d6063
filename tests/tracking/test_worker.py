"""The worker's loop, with a store in the place of MLflow's: when it tries, what it answers, how it ends."""

import json
import os
import time
from contextlib import nullcontext
from functools import partial

import pytest

from pipeline.tracking import worker
from pipeline.tracking.conversation import Conversation, line, parse
from pipeline.tracking.store import Store
from pipeline.tracking.worker import serve
from support.mlflow_runs import EXPERIMENT, request

OPENING = {"experiment": EXPERIMENT, "request": request()._asdict()}
VALUES = {"values": [["total", 1.5, 1, 7]]}


class Recorder(Store):
    """Stands in for a store, and writes down what it is told."""

    note, address = "a note", "here"

    def __init__(self, failures: int = 0):
        self.failures, self.calls = failures, []
        for name in ("set_params", "log", "end", "attach", "complete"):
            setattr(self, name, partial(self.call, name))

    def call(self, *call):
        self.calls.append(call)

    def open(self, root, experiment, thorough):
        self.call("open", thorough)
        if self.failures:
            self.failures -= 1
            raise ConnectionError("no route to http://me:letmein@host")
        return self

    def locked(self):
        return nullcontext()

    def find(self, tags):
        return []

    def tags(self, own, pid):
        return dict(own)

    def start(self, name, tags):
        return "run"

    def belongs(self, run, pid):
        return True


@pytest.fixture
def talk(tmp_path, monkeypatch):
    """Let the worker serve messages, after which the stage dies; returns its answers."""
    monkeypatch.setattr(worker, "load_mlflow", lambda address: None)

    def talk(store, *messages: bytes):
        monkeypatch.setattr(worker, "Store", store.open)
        (incoming, stage), (answers, outgoing) = os.pipe(), os.pipe()
        os.write(stage, b"".join(messages))
        os.close(stage)
        serve(Conversation(incoming, outgoing))
        os.close(incoming)
        os.close(outgoing)
        with os.fdopen(answers, "rb") as stream:
            return [json.loads(text) for text in stream]

    return lambda store, *messages: talk(store, line({"root": str(tmp_path), **OPENING}), *messages)


def test_a_run_from_its_opening_to_its_end(talk, tmp_path):
    store = Recorder()
    answers = talk(store, line(VALUES), line({"artifact": [str(tmp_path), "x"]}), line({"finish": "FINISHED"}))
    assert answers == [{"loaded": True}, {"note": "a note"}, {"done": True}]
    names = [call[0] for call in store.calls]
    assert names == ["open", "set_params", "log", "end", "attach", "complete"]
    assert [value.value for value in store.calls[2][2]] == [1.5]


def test_a_stage_that_died_leaves_a_killed_run(talk):
    store = Recorder()
    assert talk(store, line(VALUES), b'{"fini')[-1] == {"done": True}
    assert ("end", "run", "KILLED") in store.calls


def test_lines_that_were_interrupted_cost_nothing_else(talk):
    store = Recorder()
    broken = line(VALUES)[:7] + b"\n17\n"
    assert talk(store, broken, line(VALUES), line({"finish": "FINISHED"}))[-1] == {"done": True}


def test_a_store_that_fails_is_asked_again_and_said_so(talk, monkeypatch):
    monkeypatch.setattr(worker, "PAUSE", 0.0)
    store = Recorder(failures=1)
    monkeypatch.setattr(Conversation, "receive", slowly(Conversation.receive))
    answers = talk(store, line(VALUES), line({"finish": "FINISHED"}))
    assert answers[1] == {"problem": "no route to http://***@host"}
    assert answers[-1] == {"done": True}
    # After a failure, the database is read through.
    assert [call for call in store.calls if call[0] == "open"] == [("open", False), ("open", True)]


def test_a_store_that_never_answers_is_not_done(talk):
    store = Recorder(failures=99)
    answers = talk(store, line({"finish": "FINISHED"}))
    assert answers[-1] == {"done": False}


def test_a_call_that_hangs_ends_in_time(talk, monkeypatch):
    monkeypatch.setattr(worker, "LAST_SECONDS", 0.1)
    store = Recorder()
    store.find = lambda key: time.sleep(600)
    answers = talk(store, line({"finish": "FINISHED"}))
    assert answers[1] == {"problem": "no answer within 0.1 seconds"}


@pytest.mark.parametrize("text", [b"", b"\xff", b"[1]", b"1", b'{"a": 1', b"[" * 100_000])
def test_what_is_no_message(text):
    assert parse(text) is None


def slowly(receive):
    """The first message, then nothing for as long as the worker waits, then the others."""
    waits = iter([False, True])

    def receive_slowly(self, until=None):
        return None if next(waits, False) else receive(self, until)

    return receive_slowly
