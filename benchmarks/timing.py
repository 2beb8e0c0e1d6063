"""Repeated timings of actions that take turns, so that other load of the machine affects all of them alike."""

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Samples(NamedTuple):
    """Times of one action in milliseconds, in the order of the rounds."""

    wall: tuple[float, ...]
    cpu: tuple[float, ...]
    """CPU times of all threads of this process, and of the child processes that it has waited for."""

    def summary(self) -> "Timing":
        return summarised(self.wall, self.cpu)


class Timing(NamedTuple):
    """Summary of the times of one action over its repeats, in milliseconds."""

    median: float
    low: float
    high: float
    cpu: float
    """Median CPU time."""
    repeats: int


class Ratio(NamedTuple):
    """Median, minimum and maximum over the rounds of a ratio of two times."""

    median: float
    low: float
    high: float


def interleaved(
    actions: Mapping[str, Callable[[], object]],
    repeats: int,
    warmup: int = 1,
    synchronise: Callable[[], object] = lambda: None,
) -> dict[str, Samples]:
    """Time actions that take turns: every round runs each action once.

    Every second round runs in reverse order, so that no action always follows the same one.

    Args:
        actions: actions by name.
        repeats: number of rounds that count.
        warmup: number of rounds before these, in which code is compiled and caches are filled.
        synchronise: function that waits for asynchronous work of an action, such as GPU kernels. The wait counts as
            time of the action.
    """
    samples: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in actions}
    for turn in range(warmup + repeats):
        for name in list(actions)[:: -1 if turn % 2 else 1]:
            synchronise()
            wall, cpu = time.perf_counter(), cpu_seconds()
            actions[name]()
            synchronise()
            spent = time.perf_counter() - wall, cpu_seconds() - cpu
            if turn >= warmup:
                for times, seconds in zip(samples[name], spent, strict=True):
                    times.append(1e3 * seconds)
    return {name: Samples(tuple(wall), tuple(cpu)) for name, (wall, cpu) in samples.items()}


def cpu_seconds() -> float:
    """CPU time so far of this process and of the child processes that it has waited for."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def summarised(wall: Sequence[float], cpu: Sequence[float]) -> Timing:
    return Timing(statistics.median(wall), min(wall), max(wall), statistics.median(cpu), len(wall))


def paired_ratio(numerator: Samples, denominator: Samples) -> Ratio:
    """Ratio of the times of two actions, computed within each round."""
    ratios = [a / b for a, b in zip(numerator.wall, denominator.wall, strict=True)]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))
