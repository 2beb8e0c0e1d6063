"""How near a training step on the CPU is to the time of what it computes.

Every operation of torch in one step of each phase is recorded, those of the backward pass too, and then run again
alone, with the arguments that it had and on warm memory. That leaves out Python, autograd, and waiting for memory that
other operations have pushed out of the caches.

`arithmetic`: only the operations that carry the method's arithmetic, and the rasterizer.
`traffic`: what the other operations, which move, mask or add up values, have to read and write at the speed at which
memory is copied, or the time that they take alone where the caches make that less.
`kernels`: all operations, each alone.
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
from pipeline.training import trainer
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
RASTERIZER, OTHER = "rasterizer", "everything else"
PICKING = ("index_select", "index", "gather")
FILLING = ("zero_", "fill_", "zeros_like", "ones_like", "new_zeros", "new_full", "full_like")
"""Operations that do not read all of their first argument, or nothing of it."""


class FloorRow(NamedTuple):
    """One kind of operation in a step, in milliseconds."""

    phase: str
    kind: str
    calls: int
    alone_ms: float
    megabytes: float
    """That it reads and writes; zero for the rasterizer, which is not taken apart."""
    traffic_ms: float
    """The lesser, call by call, of that at the speed of a copy and of the time alone; of no arithmetic."""


class StepOverFloor(NamedTuple):
    """A step beside the sums of its operations, in milliseconds."""

    phase: str
    step_ms: float
    arithmetic_ms: float
    traffic_ms: float
    kernels_ms: float
    step_over_arithmetic: float
    step_over_arithmetic_and_traffic: float
    step_over_kernels: float
    rasterizer_share: float
    """Of the step."""


class Call(NamedTuple):
    operation: Callable[..., Any]
    arguments: tuple[Any, ...]
    options: dict[str, Any]


def measure_floor(setting: Setting) -> tuple[Table, ...]:
    """Both phases of the shipped training, on one thread."""
    params, data = step_input(setting)
    steps = 10 if setting.quick else 40
    with torch_threads(1):
        # Before and after, so that a machine that grows slower is seen alike by steps and operations.
        before = run_steps(params, data, steps)
        calls = record(params, data, steps)
        with torch.no_grad():
            rows = floor_rows(calls, copied_per_ms())
        # They hold the memory of two steps.
        del calls
        rasterizer = rasterizer_ms(params, data, steps)
        rows += [FloorRow(phase, RASTERIZER, 1, cost, 0.0, 0.0) for phase, cost in rasterizer.items()]
        after = run_steps(params, data, steps)
    sums = [_sum(phase, statistics.median((*before[phase].wall, *after[phase].wall)), rows) for phase in PHASES]
    rows.sort(key=lambda row: PHASES.index(row.phase))
    note = "One thread. The rasterizer counts with all that it does, forward and backward."
    return Table("Operations of a step, each alone", rows, (note,)), Table("Training step over its floors", sums)


def record(params: Params, data: TrainingSet, steps: int) -> dict[str, list[Call]]:
    """The operations of the last step of each phase of a training of 2 `steps`."""
    recorder, calls = _Recorder(), {}

    def step_ended(row: dict[str, float]) -> None:
        step = int(row["step"])
        if step in (steps - 1, 2 * steps - 1):
            recorder.calls = []
            recorder.__enter__()
        elif step in (steps, 2 * steps):
            recorder.__exit__(None, None, None)
            calls[PHASES[step // steps - 1]] = recorder.calls

    make = trainer.make_rasterizer
    with patch.object(trainer, "make_rasterizer", lambda *arguments: _Unrecorded(make(*arguments), recorder)):
        train_briefly(params, data, steps, step_ended)
    return calls


def floor_rows(calls: dict[str, list[Call]], bandwidth: float) -> list[FloorRow]:
    """Number, milliseconds and memory traffic of each kind of operation, each run alone.

    Args:
        bandwidth: bytes read and written in a millisecond.
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

    Of what it picks rows from it reads as much as it returns; what it fills it does not read; what is expanded lies in
    memory once.
    """
    arguments, options = _detached(call)
    written = _bytes(call.operation(*arguments, **options))
    name = _name(call.operation)
    if name in PICKING:
        return _bytes(arguments[1:]) + 2 * written
    return written if name in FILLING else _bytes((arguments, options)) + written


def copied_per_ms(floats: int = 32_000_000) -> float:
    """Bytes that one thread reads and writes in a millisecond when it copies more than any cache holds."""
    source, copy, times = torch.ones(floats), torch.empty(floats), []
    for _ in range(5):
        start = time.perf_counter()
        copy.copy_(source)
        times.append(1e3 * (time.perf_counter() - start))
    return 8 * floats / statistics.median(times)


def alone_ms(call: Call, repeats: int = 3) -> float:
    """Median time of a call that is repeated at once."""
    arguments, options = _detached(call)
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        call.operation(*arguments, **options)
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times[1:])


def rasterizer_ms(params: Params, data: TrainingSet, steps: int) -> dict[str, float]:
    """Forward and backward of the rasterizer in a step of each phase, from a profiled training."""
    found = {}
    for phase, times in run_steps(params, data, steps, profiled=True).items():
        (part,) = (part for part in times.split.parts if part.part == RASTERIZER)
        found[phase] = part.forward_ms + part.backward_ms
    return found


class _Recorder(TorchDispatchMode):
    """Keeps every operation that computes something; views cost nothing worth counting."""

    calls: list[Call]
    paused = False

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        if not (self.paused or operation.is_view):
            self.calls.append(Call(operation, args, kwargs or {}))
        return operation(*args, **(kwargs or {}))


class _Unrecorded:
    """A rasterizer whose own use of torch is not recorded, but for a few copies in its backward pass."""

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
    """The arguments of a call, without gradients, so that operations in place are allowed."""
    return tree_map(lambda value: value.detach() if isinstance(value, Tensor) else value, tuple(call[1:]))


def _name(operation: Any) -> str:
    return operation.name().removeprefix("aten::").split(".")[0]
