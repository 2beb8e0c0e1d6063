"""Comparison of a training step on the CPU with lower bounds of its time.

Every torch operation in one step of each phase is recorded, including those of the backward pass. Each operation is
then run again alone, with its original arguments and warm caches. This excludes the time of Python, of autograd, and of
waiting for memory that other operations have evicted from the caches. There are three sums:

`arithmetic`: time of the operations that perform the method's arithmetic, and of the rasterizer.
`traffic`: memory time of the other operations, which move, mask or add values. It is the time to read and write their
data at the speed of a memory copy, or the time of the operation alone if that is less.
`kernels`: time of all operations, each alone.
"""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple
from unittest.mock import patch

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from benchmarks.parts import Setting
from benchmarks.rasterizer import torch_threads
from benchmarks.table import Table
from benchmarks.training_run import PHASES, run_steps, train_briefly
from benchmarks.training_run import RASTERIZER as RASTERIZER_CALLS
from benchmarks.training_step import step_input
from pipeline.config.params import Params
from pipeline.training import run
from pipeline.training.dataset import TrainingSet

KINDS = {
    "matrix products": ("mm", "addmm", "bmm", "baddbmm"),
    "convolutions": ("convolution", "convolution_backward"),
    "sines and cosines": ("sin", "cos"),
    "exponentials": ("sigmoid", "tanh", "exp", "_softmax"),
    "resampling": ("grid_sampler_2d", "upsample_bilinear2d"),
}
"""Torch operations that perform the method's arithmetic, by kind."""
KIND_OF = {name: kind for kind, names in KINDS.items() for name in names}
RASTERIZER, OTHER = "rasterizer", "everything else"
PICKING = ("index_select", "index", "gather")
"""Operations that read only a part of their first argument."""
FILLING = ("zero_", "fill_", "zeros_like", "ones_like", "new_zeros", "new_full", "full_like")
"""Operations that do not read their first argument."""


class FloorRow(NamedTuple):
    """Cost of one kind of operation in a training step."""

    phase: str
    kind: str
    calls: int
    alone_ms: float
    megabytes: float
    """Memory that the operations read and write. Zero for the rasterizer, whose operations are not recorded."""
    traffic_ms: float
    """Sum over the calls of the smaller of copy time and time alone. Zero for operations with arithmetic."""


class StepOverFloor(NamedTuple):
    """Time of a training step in milliseconds, compared with the sums over its operations."""

    phase: str
    step_ms: float
    arithmetic_ms: float
    traffic_ms: float
    kernels_ms: float
    step_over_arithmetic: float
    step_over_arithmetic_and_traffic: float
    step_over_kernels: float
    rasterizer_share: float
    """Share of the step's time that the rasterizer takes."""


class Call(NamedTuple):
    """Recorded call of a torch operation."""

    operation: Callable[..., Any]
    arguments: tuple[Any, ...]
    options: dict[str, Any]


def measure_floor(setting: Setting) -> tuple[Table, ...]:
    """Measure both phases of the shipped training on one thread."""
    params, data = step_input(setting)
    steps = 10 if setting.quick else 40
    with torch_threads(1):
        # Steps are timed before and after the operations, so that a machine that slows down affects both alike.
        before = run_steps(params, data, steps)
        calls = record(params, data, steps)
        with torch.no_grad():
            rows = floor_rows(calls, copied_per_ms())
        # The calls hold the memory of two steps.
        del calls
        rasterizer = rasterizer_ms(params, data, steps)
        rows += [FloorRow(phase, RASTERIZER, 1, cost, 0.0, 0.0) for phase, cost in rasterizer.items()]
        after = run_steps(params, data, steps)
    sums = [_sum(phase, statistics.median((*before[phase].wall, *after[phase].wall)), rows) for phase in PHASES]
    rows.sort(key=lambda row: PHASES.index(row.phase))
    note = "One thread. The rasterizer counts with all that it does, forward and backward."
    return Table("Operations of a step, each alone", rows, (note,)), Table("Training step over its floors", sums)


def record(params: Params, data: TrainingSet, steps: int) -> dict[str, list[Call]]:
    """Record the operations of the last step of each phase, in a training of 2 `steps` steps."""
    recorder, calls = _Recorder(), {}

    def step_ended(row: dict[str, float]) -> None:
        step = int(row["step"])
        if step in (steps - 1, 2 * steps - 1):
            recorder.calls = []
            recorder.__enter__()
        elif step in (steps, 2 * steps):
            recorder.__exit__(None, None, None)
            calls[PHASES[step // steps - 1]] = recorder.calls

    make = run.make_rasterizer
    with patch.object(run, "make_rasterizer", lambda *arguments: _Unrecorded(make(*arguments), recorder)):
        train_briefly(params, data, steps, step_ended)
    return calls


def floor_rows(calls: dict[str, list[Call]], bandwidth: float) -> list[FloorRow]:
    """Measure number, time and memory traffic of each kind of operation, with each operation run alone.

    Args:
        calls: recorded operations of each phase.
        bandwidth: bytes read and written per millisecond.
    """
    rows = []
    for phase, recorded in calls.items():
        costs: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for call in recorded:
            costs[KIND_OF.get(_name(call.operation), OTHER)].append((alone_ms(call), traffic(call)))
        for kind in (*KINDS, OTHER):
            alone = sum(cost for cost, _ in costs[kind])
            moved = sum(bytes_ for _, bytes_ in costs[kind])
            least = sum(min(cost, bytes_ / bandwidth) for cost, bytes_ in costs[kind]) if kind == OTHER else 0.0
            if costs[kind]:
                rows.append(FloorRow(phase, kind, len(costs[kind]), alone, moved / 1e6, least))
    return rows


def traffic(call: Call) -> int:
    """Bytes that a call must read and write: its arguments and its results.

    An operation that picks rows reads as much of its source as it returns. An operation that fills a tensor does not
    read it. An expanded tensor counts with its actual memory.
    """
    arguments, options = _detached(call)
    written = _bytes(call.operation(*arguments, **options))
    name = _name(call.operation)
    if name in PICKING:
        return _bytes(arguments[1:]) + 2 * written
    return written if name in FILLING else _bytes((arguments, options)) + written


def copied_per_ms(floats: int = 32_000_000) -> float:
    """Memory bandwidth of one thread: bytes read and written per millisecond in a copy larger than the caches."""
    source, copy, times = torch.ones(floats), torch.empty(floats), []
    for _ in range(5):
        start = time.perf_counter()
        copy.copy_(source)
        times.append(1e3 * (time.perf_counter() - start))
    return 8 * floats / statistics.median(times)


def alone_ms(call: Call, repeats: int = 3) -> float:
    """Median time of a call in milliseconds, when it is repeated immediately."""
    arguments, options = _detached(call)
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        call.operation(*arguments, **options)
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times[1:])


def rasterizer_ms(params: Params, data: TrainingSet, steps: int) -> dict[str, float]:
    """Time of the rasterizer, forward and backward, in a step of each phase of a profiled training."""
    found = {}
    for phase, times in run_steps(params, data, steps, profiled=True).items():
        (part,) = (part for part in times.split.parts if part.part == RASTERIZER)
        found[phase] = part.forward_ms + part.backward_ms
    return found


class _Recorder(TorchDispatchMode):
    """Dispatch mode that records every operation except views, whose cost is negligible."""

    calls: list[Call]
    paused = False

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        if not (self.paused or operation.is_view):
            self.calls.append(Call(operation, args, kwargs or {}))
        return operation(*args, **(kwargs or {}))


class _Unrecorded:
    """Rasterizer whose own torch operations are not recorded, except a few copies in its backward pass."""

    def __init__(self, rasterizer: Any, recorder: _Recorder) -> None:
        self.name, self._recorder = rasterizer.name, recorder
        for name in RASTERIZER_CALLS:
            setattr(self, name, self._quietly(getattr(rasterizer, name)))

    def _quietly(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            self._recorder.paused = True
            try:
                return function(*arguments)
            finally:
                self._recorder.paused = False

        return call


def _sum(phase: str, step: float, rows: list[FloorRow]) -> StepOverFloor:
    kernels = sum(row.alone_ms for row in rows if row.phase == phase)
    arithmetic = sum(row.alone_ms for row in rows if row.phase == phase and row.kind != OTHER)
    (rasterizer,) = (row.alone_ms for row in rows if row.phase == phase and row.kind == RASTERIZER)
    moved = sum(row.traffic_ms for row in rows if row.phase == phase)
    return StepOverFloor(
        phase,
        step,
        arithmetic,
        moved,
        kernels,
        step / arithmetic,
        step / (arithmetic + moved),
        step / kernels,
        rasterizer / step,
    )


def _bytes(values: Any) -> int:
    tensors = [value for value in tree_leaves(values) if isinstance(value, Tensor)]
    return sum(min(value.numel() * value.element_size(), value.untyped_storage().nbytes()) for value in tensors)


def _detached(call: Call) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments of a call without gradients, so that in-place operations are allowed."""
    return tree_map(lambda value: value.detach() if isinstance(value, Tensor) else value, tuple(call[1:]))


def _name(operation: Any) -> str:
    return operation.name().removeprefix("aten::").split(".")[0]
