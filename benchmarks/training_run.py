"""Short trainings with the pipeline's own loop, timed step by step. The loop is observed from outside, not changed."""

import dataclasses
import itertools
import math
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from benchmarks.machine import synchronise
from benchmarks.split import Split, part, split_steps, step_boundary
from benchmarks.timing import cpu_seconds
from pipeline.config.params import Params, Training
from pipeline.training import run
from pipeline.training.dataset import TrainingSet
from pipeline.training.device import configure_torch
from pipeline.training.job import TrainingJob
from pipeline.training.objective import Objective
from pipeline.training.trainer import train

NETWORKS = {
    "sdf": "changing.distance.correction",
    **{name: name for name in ("field", "deformation", "texture", "encoder", "pose", "light")},
}
"""Networks of the model by name, with the path of their submodule."""
RASTERIZER = ("rasterize", "interpolate", "topology", "antialias")
PHASES = ("before deformation", "with deformation")
SETTLED = 0.6
"""Share of each phase's steps, at its beginning, that is not timed: loss terms set in, and caches are filled."""


class StepTimes(NamedTuple):
    """Times of the steps of one phase, in milliseconds. Each number is a mean over a few steps."""

    wall: tuple[float, ...]
    cpu: tuple[float, ...]
    vertices: int
    split: Split | None
    """Split of the step among its parts. None unless the run was profiled."""


def run_steps(params: Params, data: TrainingSet, steps: int, profiled: bool = False) -> dict[str, StepTimes]:
    """Train for 2 `steps` steps, half of them before deformation begins, and time the last steps of each phase.

    The schedule is that of a full training, compressed. The template has fewer steps to form, so that its number of
    vertices, which is returned, may differ. The clock is read only after every few steps, because a GPU must finish its
    work for each reading.
    """
    every = math.gcd(steps, max(1, steps // 10))
    watch = _Watch(steps, every, profiled)
    with named_parts() if profiled else nullcontext():
        train_briefly(params, data, steps, watch.steps_ended, every)
    return watch.phases


def train_briefly(
    params: Params, data: TrainingSet, steps: int, steps_ended: Callable[[dict[str, float]], None], every: int = 1
) -> None:
    """Train for 2 `steps` steps, half of them before deformation begins.

    Args:
        steps_ended: callback after each `every`th step, with its row of the training curve.
    """
    short = dataclasses.replace(
        params.training, steps=2 * steps, deform_from=0.5, log_every=every, checkpoint_every=2 * steps + 1
    )
    device = torch.device("cpu" if params.training.device == "auto" else params.training.device)
    with redirect_stderr(StringIO()), tempfile.TemporaryDirectory() as folder, configured(device, params.training):
        params = dataclasses.replace(params, training=short)
        train(TrainingJob(params, data, 0, device), Path(folder), report=steps_ended)


@contextmanager
def configured(device: torch.device, params: Training) -> Iterator[None]:
    """Configure torch as in the stage within the context, and restore its settings afterwards."""
    deterministic, filled = torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic
    before = filled.fill_uninitialized_memory, torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    configure_torch(device, params)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(deterministic)
        filled.fill_uninitialized_memory, _, torch.backends.cudnn.allow_tf32 = before
        torch.set_float32_matmul_precision(before[1])


class _Watch:
    """Observer of each `every`th step, which starts and stops the profiler and the clock of each phase."""

    def __init__(self, steps: int, every: int, profiled: bool) -> None:
        first = round(SETTLED * steps / every) * every
        self._every = every
        self._starts = {offset + first: name for offset, name in zip((0, steps), PHASES, strict=True)}
        # The step that freezes the template belongs to neither phase.
        self._ends = {steps: PHASES[0], 2 * steps: PHASES[1]}
        self._profiled = profiled
        self._timed: list[tuple[float, float]] = []
        self._profile: profile | None = None
        self.phases: dict[str, StepTimes] = {}

    def steps_ended(self, row: dict[str, float]) -> None:
        synchronise()
        step = int(row["step"])
        if step in self._starts:
            self._timed = []
            if self._profiled:
                activities = [ProfilerActivity.CPU] + [ProfilerActivity.CUDA] * torch.cuda.is_available()
                self._profile = profile(activities=activities)
                self._profile.start()
        step_boundary()
        self._timed.append((time.perf_counter(), cpu_seconds()))
        if step in self._ends:
            split = None
            if self._profile is not None:
                self._profile.stop()
                split, self._profile = split_steps(self._profile.events(), self._every), None
            wall, cpu = (tuple(gap / self._every for gap in _gaps(times)) for times in zip(*self._timed, strict=True))
            self.phases[self._ends[step]] = StepTimes(wall, cpu, int(row["vertices"]), split)


@contextmanager
def named_parts() -> Iterator[None]:
    """Wrap the functions that the training loop calls in profiler ranges within the context."""
    new_model, make_rasterizer = run.new_model, run.make_rasterizer

    def watched_model(*arguments: Any) -> nn.Module:
        model = new_model(*arguments)
        for name, place in NETWORKS.items():
            _watch_module(model.get_submodule(place), name)
        return model

    with ExitStack() as stack:
        for owner, name, replacement in (
            (run, "new_model", watched_model),
            (run, "make_rasterizer", lambda *arguments: _WatchedRasterizer(make_rasterizer(*arguments))),
            (Objective, "__call__", _within("losses and geometry", Objective.__call__)),
            (TrainingSet, "batch", _within("data", TrainingSet.batch)),
            (TrainingSet, "pose_batch", _within("data", TrainingSet.pose_batch)),
            (TrainingSet, "outline_batch", _within("data", TrainingSet.outline_batch)),
            (nn.utils, "clip_grad_norm_", _within("optimiser", nn.utils.clip_grad_norm_)),
        ):
            stack.enter_context(patch.object(owner, name, replacement))
        yield


class _WatchedRasterizer:
    """Rasterizer whose calls are profiler ranges."""

    def __init__(self, rasterizer: Any) -> None:
        self.name = rasterizer.name
        for name in RASTERIZER:
            setattr(self, name, _within("rasterizer", getattr(rasterizer, name)))


def _within(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def watched(*arguments: Any, **options: Any) -> Any:
        with part(name):
            return function(*arguments, **options)

    return watched


def _watch_module(module: nn.Module, name: str) -> None:
    """Put a profiler range around each call of a network."""
    ranges = []

    def enter(*_: Any) -> None:
        ranges.append(part(name))
        ranges[-1].__enter__()

    def leave(*_: Any) -> None:
        ranges.pop().__exit__(None, None, None)

    if hasattr(module, "gradient"):
        module.gradient = _within(name, module.gradient)
    module.register_forward_pre_hook(enter)
    module.register_forward_hook(leave)


def _gaps(times: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(1e3 * (after - before) for before, after in itertools.pairwise(times))
