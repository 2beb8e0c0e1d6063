"""The training step of the shipped parameters: milliseconds, and where they go."""

import dataclasses
from typing import NamedTuple

import torch

from benchmarks.parts import Setting
from benchmarks.rasterizer import torch_threads
from benchmarks.split import Split
from benchmarks.table import Table
from benchmarks.timing import summarised
from benchmarks.training_run import PHASES, StepTimes, run_steps
from benchmarks.world import make_world, training_set
from pipeline.params import Params, vary
from pipeline.training.dataset import TrainingSet

QUICK = {"training": {"batch": 2, "pose_batch": 4, "image_size": 32}, "model": {"grid": {"resolution": 8}}}
"""Smaller sizes for a look at whether it works."""
IMAGES, QUICK_IMAGES = 96, 8


class StepRow(NamedTuple):
    """One phase without the profiler: the median step, the least and the greatest median of a repeat."""

    device: str
    phase: str
    vertices: int
    step_ms: float
    low_ms: float
    high_ms: float
    cpu_ms: float
    """Of all threads."""
    profiled: float
    """How many times as much CPU time a step takes under the profiler."""


class PartRow(NamedTuple):
    """One part of a profiled step, milliseconds."""

    device: str
    phase: str
    part: str
    forward_ms: float
    backward_ms: float
    share: float
    """Of the profiled step."""
    gpu_ms: float


def measure_training_step(setting: Setting) -> tuple[Table, ...]:
    """Both phases on one thread, as the stage runs, and on a GPU where the parameters let a training use it.

    Plain and profiled trainings take turns; the plain ones give the step, the profiled ones its split.
    """
    params, data = step_input(setting)
    steps, repeats = (10, 1) if setting.quick else (40, 3)
    rows, parts = [], []
    for device in devices(params):
        chosen = on_device(params, device)
        with torch_threads(1):
            plain, profiled = [], []
            for _ in range(repeats):
                plain.append(run_steps(chosen, data, steps))
                profiled.append(run_steps(chosen, data, steps, profiled=True))
        for phase in PHASES:
            rows.append(_step_row(device, phase, [run[phase] for run in plain], [run[phase] for run in profiled]))
            # The one that other processes disturbed least.
            quietest = min((run[phase].split for run in profiled), key=lambda split: split.step_ms)
            parts += _part_rows(device, phase, quietest)
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
    """The shipped parameters, or smaller ones, and a training set of the embedded benchmark's photographs."""
    layout = make_world(setting.scratch, QUICK_IMAGES if setting.quick else IMAGES)
    params = vary(layout.params, QUICK) if setting.quick else layout.params
    return params, training_set(layout, params)


def devices(params: Params) -> list[str]:
    """Where trainings can run: on the CPU, and on a GPU if there is one and the parameters name the device."""
    return ["cpu", "cuda"] if hasattr(params.training, "device") and torch.cuda.is_available() else ["cpu"]


def on_device(params: Params, device: str) -> Params:
    if not hasattr(params.training, "device"):
        return params
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
