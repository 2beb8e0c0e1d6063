"""The stage's side, with stand-ins for the process that talks to MLflow: what it sends, and how long it waits."""

import json
import sys
import time
import warnings

import pytest

from pipeline.tracking import courier, tracker
from pipeline.tracking.tracker import Tracker
from support.mlflow_runs import EXPERIMENT, RECORD

LONG = 600
"""Seconds that a process hangs; a test that waits for it fails."""
HANGS = ["-S", "-c", f"import time; time.sleep({LONG})"]
LISTENS = """
import json, sys, time
lines = open({path!r}, "w")
print('{{"loaded": true}}', flush=True)
for line in sys.stdin:
    lines.write(line)
    lines.flush()
    if "finish" in line:
        break
{end}
"""


@pytest.fixture
def listens(tmp_path, monkeypatch):
    """Start a process that writes down what it receives, and then does `end`. Returns what it has received."""

    def start(end: str = "print('{\"done\": true}')"):
        code = LISTENS.format(path=str(tmp_path / "lines"), end=end)
        monkeypatch.setattr(courier, "PROGRAM", ["-S", "-c", code])
        return lambda: [json.loads(line) for line in (tmp_path / "lines").read_text().splitlines() if line]

    return start


def open_tracker(root, **options):
    return Tracker(RECORD, EXPERIMENT, root, **options)


def test_everything_reaches_the_process_in_order(listens, tmp_path):
    received = listens()
    with open_tracker(tmp_path, checkpoints=tmp_path / "checkpoints") as tracking:
        for step in range(3000):
            tracking.metrics({"total@1": float(step), "depth": float("nan")}, step)
        tracking.artifact(tmp_path / "model")
    assert tracking.delivered
    opening, *rows, artifact, finish = received()
    assert opening["experiment"] == EXPERIMENT and opening["root"] == str(tmp_path)
    assert opening["request"]["key"] == RECORD.key
    assert opening["request"]["memory"] == str(tmp_path / "checkpoints" / "mlflow.json")
    assert [row["values"][0][:3] for row in rows] == [["total_1", float(step), step] for step in range(3000)]
    assert artifact == {"artifact": [str(tmp_path / "model"), None]}
    assert finish == {"finish": "FINISHED"}


@pytest.mark.parametrize(
    ("error", "status"), [(KeyError, "FAILED"), (SystemExit, "FAILED"), (KeyboardInterrupt, "KILLED")]
)
def test_an_exception_passes_and_marks_the_run(listens, tmp_path, error, status):
    received = listens()
    with pytest.raises(error), open_tracker(tmp_path) as tracking:
        while tracking._loaded is None:
            tracking.metrics({})
        raise error("mine")
    assert received()[-1] == {"finish": status}


def test_a_process_that_hangs_holds_nobody_up(tmp_path, monkeypatch):
    monkeypatch.setattr(courier, "PROGRAM", HANGS)
    monkeypatch.setattr(tracker, "LOAD_SECONDS", 0.2)
    begin = time.monotonic()
    expected = "has not taken this run .no answer.*semagic sync"
    with pytest.warns(UserWarning, match=expected) as caught, open_tracker(tmp_path) as tracking:
        # More than a pipe takes.
        for step in range(5000):
            tracking.metrics({"total": 1.0, "depth": 2.0}, step)
    assert time.monotonic() - begin < LONG / 10
    assert len(caught) == 1
    assert not tracking.delivered


@pytest.mark.parametrize(("limit", "status"), [("STORE_SECONDS", "FINISHED"), ("KILLED_SECONDS", "KILLED")])
def test_a_store_that_hangs_costs_its_limit(listens, tmp_path, monkeypatch, limit, status):
    listens(f"time.sleep({LONG})")
    monkeypatch.setattr(tracker, limit, 0.2)
    begin = time.monotonic()
    with pytest.warns(UserWarning, match="no answer"):
        tracking = open_tracker(tmp_path).__enter__()
        while tracking._loaded is None:
            tracking.metrics({})
        tracking.finish(status)
        tracking.finish("FINISHED")
    assert time.monotonic() - begin < LONG / 10


def test_an_interruption_before_there_is_a_run_waits_for_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(courier, "PROGRAM", HANGS)
    monkeypatch.setattr(tracker, "KILLED_SECONDS", LONG)
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt), open_tracker(tmp_path):
        raise KeyboardInterrupt
    assert time.monotonic() - begin < LONG / 10


@pytest.mark.parametrize("python", [sys.executable, "/no/such/program"])
def test_a_process_that_ends_or_does_not_start_costs_one_warning(tmp_path, monkeypatch, python):
    monkeypatch.setattr(courier, "PROGRAM", ["-S", "-c", "raise SystemExit(1)"])
    monkeypatch.setattr(sys, "executable", python)
    with pytest.warns(UserWarning, match="has not taken this run") as caught, open_tracker(tmp_path) as tracking:
        time.sleep(0.1)
        for step in range(5000):
            tracking.metrics({"total": 1.0}, step)
    assert len(caught) == 1
    assert not tracking.delivered


def test_problems_are_reported_once_and_notes_always(listens, tmp_path):
    answers = [{"problem": "first"}, {"problem": "second"}, {"note": "moved aside"}, {"done": False}]
    listens(f"print({chr(10).join(map(json.dumps, answers))!r})")
    with pytest.warns(UserWarning) as caught, open_tracker(tmp_path) as tracking:
        pass
    assert not tracking.delivered
    assert ["first" in str(w.message) for w in caught] == [True, False]
    assert "moved aside" in str(caught[1].message)


def test_lines_that_are_no_answers_are_skipped(listens, tmp_path):
    listens("print('Hello\\n[1]\\n{\"done\": true}')")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with open_tracker(tmp_path) as tracking:
            pass
    assert tracking.delivered
