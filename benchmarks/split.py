"""Split of the time of a training step: profiled operations, attributed to named ranges of the forward pass.

An operation of the backward pass is attributed to the range in which the operation that it differentiates ran, which
autograd's sequence numbers identify. If that operation belongs to a backward pass itself, as in the gradient of the
signed distance, the range of the original forward operation is used.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from torch.autograd import DeviceType
from torch.profiler import record_function

PREFIX, BOUNDARY = "part: ", "step boundary"
BACKWARD = "autograd::engine::evaluate_function"
OPTIMISER = "Optimizer."
REST = "rest"
OPERATION = 0
"""Scope of a profiler event that is an operation. The events around the operations of a backward pass have others."""


class PartTime(NamedTuple):
    """Time of one part, in milliseconds per step."""

    part: str
    forward_ms: float
    backward_ms: float
    gpu_ms: float
    """Time of the GPU kernels that forward and backward launched. Zero without a GPU."""


class Split(NamedTuple):
    """Split of the mean profiled step."""

    step_ms: float
    parts: tuple[PartTime, ...]
    """Disjoint parts of the step, which the part 'rest' completes."""


def part(name: str) -> AbstractContextManager[Any]:
    """Make a profiler range whose time counts as this part, minus the time of other parts within it."""
    return record_function(PREFIX + name)


def step_boundary() -> None:
    """Mark the end of one or more steps and the beginning of the next."""
    with record_function(BOUNDARY):
        pass


def split_steps(events: Iterable[Any], every: int = 1) -> Split:
    """Compute the split of the steps between the first and the last boundary.

    Args:
        events: events of a profiler.
        every: number of steps from one boundary to the next.
    """
    cpu = [event for event in events if event.device_type == DeviceType.CPU]
    bounds = sorted(event.time_range.start for event in cpu if event.name == BOUNDARY)
    cpu = [event for event in cpu if bounds[0] <= event.time_range.start < bounds[-1]]
    steps, microseconds = every * (len(bounds) - 1), bounds[-1] - bounds[0]
    owner = _Owners(cpu)
    times: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for event in cpu:
        if _is_marker(event):
            name, backward = owner.of(event)
            times[name][backward] += event.time_range.elapsed_us()
            if (outer := _nearest_marker(event.cpu_parent)) is not None:
                name, backward = owner.of(outer)
                times[name][backward] -= event.time_range.elapsed_us()
        if event.self_device_time_total:
            marker = _nearest_marker(event)
            times[REST if marker is None else owner.of(marker)[0]][2] += event.self_device_time_total
    times[REST][0] += microseconds - sum(forward + backward for forward, backward, _ in times.values())
    scale = 1e-3 / steps
    rows = [PartTime(name, *(scale * value for value in values)) for name, values in times.items() if name != REST]
    rows.sort(key=lambda row: -row.forward_ms - row.backward_ms)
    return Split(scale * microseconds, (*rows, PartTime(REST, *(scale * value for value in times[REST]))))


class _Owners:
    """Lookup of the part to which each range and each event of a backward pass belongs."""

    def __init__(self, events: Sequence[Any]) -> None:
        self._forward: dict[tuple[int, int], Any] = {}
        for event in sorted(events, key=lambda event: event.time_range.start):
            # Operations without gradient share the number of the next one with gradient, so that the last one is right.
            if event.sequence_nr >= 0 and event.scope == OPERATION and not event.name.startswith(BACKWARD):
                self._forward[event.thread, event.sequence_nr] = event

    def of(self, marker: Any) -> tuple[str, bool]:
        """Find the part of a marker, and whether its time belongs to a backward pass."""
        if marker.name.startswith(OPTIMISER):
            return "optimiser", False
        if not marker.name.startswith(BACKWARD):
            return marker.name.removeprefix(PREFIX), False
        source = self._forward.get((marker.fwd_thread, marker.sequence_nr))
        outer = None if source is None else _nearest_marker(source)
        return (REST, False) if outer is None else (self.of(outer)[0], True)


def _is_marker(event: Any) -> bool:
    return event.name.startswith((PREFIX, BACKWARD, OPTIMISER))


def _nearest_marker(event: Any) -> Any:
    return next((found for found in _ancestry(event) if _is_marker(found)), None)


def _ancestry(event: Any) -> Iterator[Any]:
    while event is not None:
        yield event
        event = event.cpu_parent
