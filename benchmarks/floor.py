"""How near a training step on the CPU is to the time of what it cannot do without.

The operations that carry the method's arithmetic are recorded while steps run, with the shapes of their arguments, and
each is then run alone on warm memory. Their sum is a floor for any arrangement of the same arithmetic by the same
kernels: it has no Python, no autograd, no activation function, no sum of gradients and nothing that only moves data
about. The rasterizer counts with all that it does.
"""

import statistics
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.parts import Setting
from benchmarks.rasterizer import torch_threads
from benchmarks.table import Table
from benchmarks.training_run import PHASES, run_steps, train_briefly
from benchmarks.training_step import step_input
from pipeline.params import Params
from pipeline.training.dataset import TrainingSet

KINDS = {
    "matrix products": ("mm", "addmm", "bmm", "baddbmm"),
    "convolutions": ("convolution", "convolution_backward"),
    "sines and cosines": ("sin", "cos"),
    "exponentials": ("sigmoid", "tanh", "exp", "_softmax"),
    "resampling": ("grid_sampler_2d", "upsample_bilinear2d"),
}
"""Operations of torch that carry the method's arithmetic."""
KIND_OF = {name: kind for kind, names in KINDS.items() for name in names}
RECORDED = 3
"""Steps of each phase that are recorded."""


class Layout(NamedTuple):
    """A tensor without its values."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype

    def fill(self) -> Tensor:
        extent = 1 + sum((size - 1) * step for size, step in zip(self.shape, self.stride, strict=True))
        return torch.randn(extent).to(self.dtype).as_strided(self.shape, self.stride)


class Call(NamedTuple):
    """An operation and its arguments, tensors as their layouts."""

    operation: Any
    arguments: tuple[Any, ...]

    def alone(self) -> Callable[[], object]:
        arguments = [value.fill() if isinstance(value, Layout) else value for value in self.arguments]
        return lambda: self.operation(*(list(value) if isinstance(value, tuple) else value for value in arguments))


class FloorRow(NamedTuple):
    """One kind of operation in a step, in milliseconds."""

    phase: str
    kind: str
    calls: float
    floor_ms: float


class StepOverFloor(NamedTuple):
    """A step beside the sum of its floors, in milliseconds."""

    phase: str
    step_ms: float
    floor_ms: float
    step_over_floor: float
    rasterizer_share: float
    """Of the step."""


def measure_floor(setting: Setting) -> tuple[Table, ...]:
    """Both phases of the shipped training, on one thread."""
    params, data = step_input(setting)
    steps = 10 if setting.quick else 40
    with torch_threads(1):
        recorded = record(params, data, steps)
        rows, sums = [], []
        # Before and after, so that a machine that grows slower is seen alike by both.
        before = run_steps(params, data, steps)
        floors = {phase: [FloorRow(phase, *row) for row in floor_rows(calls)] for phase, calls in recorded.items()}
        rasterizer = rasterizer_ms(params, data, steps)
        after = run_steps(params, data, steps)
    for phase in PHASES:
        step = statistics.median((*before[phase].wall, *after[phase].wall))
        found = [*floors[phase], FloorRow(phase, "rasterizer", 1, rasterizer[phase])]
        floor = sum(row.floor_ms for row in found)
        rows += found
        sums.append(StepOverFloor(phase, step, floor, step / floor, rasterizer[phase] / step))
    note = "One thread; see the docstring of benchmarks/floor.py for what counts."
    return Table("Floor of the training step", rows, (note,)), Table("Training step over its floor", sums)


def record(params: Params, data: TrainingSet, steps: int) -> dict[str, Counter[Call]]:
    """The last steps of each phase of a training of 2 `steps`, as operations that occur so often in `RECORDED`."""
    recorder, calls = _Recorder(), {}
    starts = {phase: (index + 1) * steps - RECORDED for index, phase in enumerate(PHASES)}

    def step_ended(row: dict[str, float]) -> None:
        for phase, start in starts.items():
            if row["step"] == start:
                recorder.calls = Counter()
                recorder.__enter__()
            elif row["step"] == start + RECORDED:
                recorder.__exit__(None, None, None)
                calls[phase] = recorder.calls

    train_briefly(params, data, steps, step_ended)
    return calls


def floor_rows(calls: Counter[Call]) -> list[tuple[str, float, float]]:
    """Kind, calls and milliseconds in a step, each operation run alone."""
    counts, milliseconds = Counter(), Counter()
    for call, count in calls.items():
        kind = KIND_OF[_name(call.operation)]
        counts[kind] += count
        milliseconds[kind] += count * alone_ms(call)
    return [(kind, counts[kind] / RECORDED, milliseconds[kind] / RECORDED) for kind in KINDS if counts[kind]]


def alone_ms(call: Call, repeats: int = 5) -> float:
    """Median time of a call that is repeated at once."""
    run, times = call.alone(), []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times[1:])


def rasterizer_ms(params: Params, data: TrainingSet, steps: int) -> dict[str, float]:
    """Forward and backward of the rasterizer in a step of each phase, from a profiled training."""
    found = {}
    for phase, times in run_steps(params, data, steps, profiled=True).items():
        (part,) = (part for part in times.split.parts if part.part == "rasterizer")
        found[phase] = part.forward_ms + part.backward_ms
    return found


class _Recorder(TorchDispatchMode):
    """Counts the operations of `KINDS`, those of backward passes too."""

    calls: Counter[Call]

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        if _name(operation) in KIND_OF:
            self.calls[Call(operation, tuple(map(_layout, args)))] += 1
        return operation(*args, **(kwargs or {}))


def _layout(value: Any) -> Any:
    if isinstance(value, Tensor):
        return Layout(tuple(value.shape), value.stride(), value.dtype)
    return tuple(value) if isinstance(value, list) else value


def _name(operation: Any) -> str:
    return operation.name().removeprefix("aten::").split(".")[0]
