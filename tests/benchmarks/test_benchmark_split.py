"""The split of a training step: every millisecond belongs to one part, a gradient to that of its function."""

import time

import numpy as np
import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.split import part, split_steps, step_boundary
from benchmarks.training_run import NETWORKS, PHASES, run_steps
from pipeline.training import run
from pipeline.training.objective import Objective
from support.tiny import tiny_params, tiny_set


class Sleep(torch.autograd.Function):
    """Identity, whose passes sleep for the milliseconds that they are given."""

    @staticmethod
    def forward(ctx, x, forward, backward):
        ctx.backward_ms = backward
        time.sleep(forward / 1e3)
        return x * 1.0

    @staticmethod
    def backward(ctx, grad):
        time.sleep(ctx.backward_ms / 1e3)
        return grad * 1.0, None, None


def test_backward_belongs_to_the_range_of_its_forward():
    x = torch.ones(3, requires_grad=True)

    def step():
        with part("outer"):
            y = Sleep.apply(x, 10, 20)
            with part("inner"):
                z = Sleep.apply(y, 30, 40)
            time.sleep(0.005)
        Sleep.apply(z, 0, 50).sum().backward()

    step()
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        for _ in range(2):
            step_boundary()
            step()
        step_boundary()
    split = split_steps(profiler.events())
    times = {row.part: row for row in split.parts}
    # A busy machine only makes these longer.
    assert times["outer"].forward_ms >= 15 and times["outer"].backward_ms >= 20
    assert times["inner"].forward_ms >= 30 and times["inner"].backward_ms >= 40
    # What no range was around.
    assert times["rest"].forward_ms >= 50
    assert sum(row.forward_ms + row.backward_ms for row in split.parts) == pytest.approx(split.step_ms)


def test_a_differentiated_gradient_belongs_to_the_range_of_its_function():
    x = torch.linspace(0, 1, 200_000, requires_grad=True)

    def step():
        with part("function"):
            y = x.sin().exp().sum()
        gradient = torch.autograd.grad(y, x, create_graph=True)[0]
        with part("loss"):
            loss = gradient.square().sum()
        loss.backward()

    step()
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        step_boundary()
        step()
        step_boundary()
    times = {row.part: row for row in split_steps(profiler.events()).parts}
    # The first and the second derivative of sin and exp, against one of the square.
    assert times["function"].backward_ms > times["loss"].backward_ms > 0


def test_split_of_a_training_makes_up_its_steps():
    params = tiny_params(loss__depth=0.1)
    before = run.new_model, run.make_rasterizer, Objective.__call__
    phases = run_steps(params, tiny_set(params), 10, profiled=True)
    assert (run.new_model, run.make_rasterizer, Objective.__call__) == before
    for name in PHASES:
        found = phases[name]
        assert len(found.wall) == 4
        parts = {row.part: row.forward_ms + row.backward_ms for row in found.split.parts}
        assert sum(parts.values()) == pytest.approx(found.split.step_ms)
        # The profiler's clock against this process's.
        assert found.split.step_ms == pytest.approx(np.mean(found.wall), rel=0.05)
        assert parts["rest"] < 0.5 * found.split.step_ms
        assert all(value >= 0 for value in parts.values())
        assert {"data", "rasterizer", "losses and geometry", "optimiser"} <= parts.keys()
    networks = [{row.part for row in phases[name].split.parts} & set(NETWORKS) for name in PHASES]
    assert networks == [set(NETWORKS), set(NETWORKS) - {"sdf"}]
