"""Time of the training step with the shipped parameters, and its split among the parts of the step."""

import dataclasses
from typing import NamedTuple

from benchmarks.machine import gpu_obstacle
from benchmarks.parts import Setting
from benchmarks.rasterizer import torch_threads
from benchmarks.split import Split
from benchmarks.table import Table
from benchmarks.timing import summarised
from benchmarks.training_run import PHASES, StepTimes, run_steps
from benchmarks.world import shared_world, training_set
from pipeline.config.params import Params, vary
from pipeline.training.dataset import TrainingSet

QUICK = {"training": {"batch": 2, "pose_batch": 4, "image_size": 32}, "model": {"grid": {"resolution": 8}}}
"""Smaller sizes for a quick check that the benchmark works."""


class StepRow(NamedTuple):
    """Step time of one phase without the profiler: the median of means over a few steps.

    `low_ms` and `high_ms` are the smallest and largest median of a repeat.
    """

    device: str
    phase: str
    vertices: int
    step_ms: float
    low_ms: float
    high_ms: float
    cpu_ms: float
    """CPU time of a step, summed over all threads."""
    profiled: float
    """Ratio of the CPU time of a step with the profiler to that without it."""


class PartRow(NamedTuple):
    """Time of one part of a profiled step, in milliseconds."""

    device: str
    phase: str
    part: str
    forward_ms: float
    backward_ms: float
    share: float
    """Share of the profiled step that forward and backward of the part take."""
    gpu_ms: float


def measure_training_step(setting: Setting) -> tuple[Table, ...]:
    """Measure both phases on one thread, as in the stage, and on a GPU where a training can use one.

    Plain and profiled trainings take turns. The plain ones give the time of the step, the profiled ones its split.
    """
    params, data = step_input(setting)
    steps, repeats = (10, 1) if setting.quick else (40, 3)
    rows, parts = [], []
    for device in devices():
        measured = measure_steps(device, on_device(params, device), data, steps, repeats)
        rows += measured[0]
        parts += measured[1]
    training = params.training
    sizes = (
        f"{len(data.names)} images, batch {training.batch}, pose batch {training.pose_batch}, {training.image_size} "
        f"pixels, one thread; after {2 * steps} steps in place of {training.steps}."
    )
    meaning = (
        "Forward and backward of a network with all its calls, those for loss terms included; `losses and geometry` is "
        "what is left of the objective, `rest` what is left of the step: checks, averaging, autograd's bookkeeping."
    )
    return Table("Training step", rows, (sizes,)), Table("Split of the step", parts, (meaning,))


def step_input(setting: Setting) -> tuple[Params, TrainingSet]:
    """Make the shipped parameters, or smaller ones, and a training set of photographs of the embedded benchmark."""
    workspace = shared_world(setting)
    params = vary(workspace.params, QUICK) if setting.quick else workspace.params
    return params, training_set(workspace, params)


def measure_steps(
    device: str, params: Params, data: TrainingSet, steps: int, repeats: int
) -> tuple[list[StepRow], list[PartRow]]:
    """Measure both phases in repeated trainings of 2 `steps` steps.

    Args:
        device: name of the device in the rows.
    """
    plain, profiled = [], []
    with torch_threads(1):
        for _ in range(repeats):
            plain.append(run_steps(params, data, steps))
            profiled.append(run_steps(params, data, steps, profiled=True))
    rows, parts = [], []
    for phase in PHASES:
        rows.append(_step_row(device, phase, [run[phase] for run in plain], [run[phase] for run in profiled]))
        # The fastest profiled run is the one that other processes disturbed least.
        quietest = min((run[phase].split for run in profiled), key=lambda split: split.step_ms)
        parts += _part_rows(device, phase, quietest)
    return rows, parts


def devices() -> list[str]:
    """Devices on which trainings can run."""
    return ["cpu"] if gpu_obstacle() else ["cpu", "cuda"]


def on_device(params: Params, device: str) -> Params:
    return dataclasses.replace(params, training=dataclasses.replace(params.training, device=device))


def _step_row(device: str, phase: str, plain: list[StepTimes], profiled: list[StepTimes]) -> StepRow:
    medians = [summarised(run.wall, run.cpu) for run in plain]
    every = summarised(sum((run.wall for run in plain), ()), sum((run.cpu for run in plain), ()))
    watched = summarised(sum((run.wall for run in profiled), ()), sum((run.cpu for run in profiled), ()))
    return StepRow(
        device,
        phase,
        plain[-1].vertices,
        every.median,
        min(timing.median for timing in medians),
        max(timing.median for timing in medians),
        every.cpu,
        watched.cpu / every.cpu,
    )


def _part_rows(device: str, phase: str, split: Split) -> list[PartRow]:
    return [
        PartRow(
            device,
            phase,
            found.part,
            found.forward_ms,
            found.backward_ms,
            (found.forward_ms + found.backward_ms) / split.step_ms,
            found.gpu_ms,
        )
        for found in split.parts
    ]
