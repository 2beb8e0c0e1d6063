"""The clocks of the benchmark: that they measure, not how fast anything is."""

import subprocess
import sys
import time

import pytest

from benchmarks.timing import Samples, interleaved, paired_ratio
from benchmarks.training_run import PHASES, run_steps
from pipeline.training.run import TrainingRun
from support.tiny import tiny_params, tiny_set


def test_actions_take_turns():
    calls = []
    actions = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b") or time.sleep(0.01)}
    samples = interleaved(actions, repeats=3, warmup=1)
    assert calls == ["a", "b", "b", "a", "a", "b", "b", "a"]
    assert len(samples["a"].wall) == 3
    assert samples["b"].summary().low >= 10
    assert samples["b"].summary().cpu < 10, "sleeping takes no processor"


def test_processor_time_is_counted_where_a_process_spends_it():
    code = "import time; end = time.process_time() + 0.2\nwhile time.process_time() < end: pass"
    action = {"child": lambda: subprocess.run([sys.executable, "-c", code], check=True)}
    found = interleaved(action, repeats=1, warmup=0)["child"].summary()
    assert 200 <= found.cpu <= found.median + 100


def test_ratios_are_of_the_same_round():
    slow_round = Samples((1.0, 10.0, 2.0), (0.0,) * 3), Samples((2.0, 20.0, 4.0), (0.0,) * 3)
    assert paired_ratio(*slow_round) == (0.5, 0.5, 0.5)


def test_plain_training_is_timed_without_a_profiler():
    params = tiny_params()
    phases = run_steps(params, tiny_set(params), 5)
    assert [phases[name].split for name in PHASES] == [None, None]
    assert all(phases[name].vertices > 10 and min(phases[name].wall) > 0 for name in PHASES)


def test_the_clock_of_several_steps_gives_the_time_of_one(monkeypatch):
    params = tiny_params()
    counted = []
    advance = TrainingRun.advance
    monkeypatch.setattr(TrainingRun, "advance", lambda run: counted.append(run.step) or advance(run))
    phases = run_steps(params, tiny_set(params), 20, profiled=True)
    assert len(counted) == 40
    for phase in PHASES:
        # Of the last eight steps of each phase, every two.
        times = phases[phase]
        assert len(times.wall) == 4
        assert times.split.step_ms == pytest.approx(sum(times.wall) / 4, rel=0.5)
