"""Repeated timings of actions that take turns, so that what else the machine does falls on all of them alike."""

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Samples(NamedTuple):
    """One action's times in milliseconds, in the order of the rounds."""

    wall: tuple[float, ...]
    cpu: tuple[float, ...]
    """Of all threads of this process, and of those that it has started and waited for."""

    def summary(self) -> "Timing":
        return summarised(self.wall, self.cpu)


class Timing(NamedTuple):
    """What the repeats of one action took, in milliseconds."""

    median: float
    low: float
    high: float
    cpu: float
    """Median of the CPU time."""
    repeats: int


class Ratio(NamedTuple):
    """Median, least and greatest of the ratios within the rounds."""

    median: float
    low: float
    high: float


def interleaved(
    actions: Mapping[str, Callable[[], object]],
    repeats: int,
    warmup: int = 1,
    synchronise: Callable[[], object] = lambda: None,
) -> dict[str, Samples]:
    """Run every action once a round; every second round goes backwards, so that none always follows the same one.

    Args:
        warmup: rounds that are not counted: what compiles or fills a cache does so there.
        synchronise: waits for what an action has left running, as a GPU's kernels; its time is the action's.
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
    """CPU time of this process so far, and of the processes that it has waited for."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def summarised(wall: Sequence[float], cpu: Sequence[float]) -> Timing:
    return Timing(statistics.median(wall), min(wall), max(wall), statistics.median(cpu), len(wall))


def paired_ratio(numerator: Samples, denominator: Samples) -> Ratio:
    """How many times as long the first takes, from the rounds that both ran in."""
    ratios = [a / b for a, b in zip(numerator.wall, denominator.wall, strict=True)]
    return Ratio(statistics.median(ratios), min(ratios), max(ratios))
