"""Cost of what makes trainings repeatable and safe: deterministic algorithms, checkpoints, and checksums."""

import statistics
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import torch

from benchmarks import training_run
from benchmarks.parts import Setting
from benchmarks.rasterizer import torch_threads
from benchmarks.table import Table
from benchmarks.timing import interleaved
from benchmarks.training_run import PHASES, configured, run_steps
from benchmarks.training_step import step_input
from pipeline.base.checksums import checked, write_checksums
from pipeline.config.params import Params
from pipeline.training.dataset import TrainingSet
from pipeline.training.device import configure_torch
from pipeline.training.job import TrainingJob
from pipeline.training.run import TrainingRun
from pipeline.training.savepoints import Savepoints

MEGABYTES = 64
"""Size of the file whose checksum is compared."""


class CostRow(NamedTuple):
    """Median time of one measure of safety, beside the work that it goes with, both in milliseconds."""

    measure: str
    cost_ms: float
    low_ms: float
    high_ms: float
    beside: str
    """The work that the cost comes on top of."""
    work_ms: float
    share: float
    """Cost divided by work."""


def measure_safety(setting: Setting) -> tuple[Table, ...]:
    """Measure a training with and without torch's deterministic algorithms, a checkpoint, and a checksum."""
    params, data = step_input(setting)
    with torch_threads(1):
        step_ms, *rows = _determinism(params, data, *((5, 1) if setting.quick else (20, 4)))
        checkpoint = _checkpoint(params, data, step_ms, 2 if setting.quick else 15)
    note = (
        "A checkpoint is on disk with its manifest when the next step begins. A checksum is compared whenever "
        f"a file is read: {MEGABYTES} MB here."
    )
    return (Table("Cost of safety", [*rows, checkpoint, _checksum(1 if setting.quick else 9)], (note,)),)


def _determinism(params: Params, data: TrainingSet, steps: int, repeats: int) -> tuple[Any, ...]:
    """Median time of a step, and a row for each phase. Trainings with and without determinism take turns."""
    found: dict[bool, list] = {True: [], False: []}
    for turn in range(repeats):
        for wanted in (True, False)[:: -1 if turn % 2 else 1]:
            with _deterministic(wanted):
                found[wanted].append(run_steps(params, data, steps))
    rows = []
    for phase in PHASES:
        steady, free = (statistics.median(_walls(found[wanted], phase)) for wanted in (True, False))
        gaps = [
            statistics.median(one[phase].wall) - statistics.median(other[phase].wall)
            for one, other in zip(found[True], found[False], strict=True)
        ]
        name = f"deterministic algorithms, {phase}"
        rows.append(CostRow(name, steady - free, min(gaps), max(gaps), "a step", free, (steady - free) / free))
    every = [time for phase in PHASES for time in _walls(found[True], phase)]
    return statistics.median(every), *rows


def _walls(runs: list, phase: str) -> list[float]:
    return [time for run in runs for time in run[phase].wall]


@contextmanager
def _deterministic(wanted: bool) -> Any:
    def configure(device: torch.device, params: Any) -> None:
        configure_torch(device, params)
        torch.use_deterministic_algorithms(wanted)

    with patch.object(training_run, "configure_torch", configure):
        yield


def _checkpoint(params: Params, data: TrainingSet, step_ms: float, repeats: int) -> CostRow:
    """Time of a checkpoint of a training that has gone two steps, so that the optimizer has its moments."""
    with tempfile.TemporaryDirectory() as folder, configured(torch.device("cpu"), params.training):
        job = TrainingJob(params, data, 0)
        run, savepoints = TrainingRun(job), Savepoints(job, Path(folder), None)
        run.advance()
        run.advance()
        run.step = params.training.checkpoint_every
        found = interleaved({"save": lambda: savepoints.save(run)}, repeats)["save"].summary()
    between = params.training.checkpoint_every
    work = step_ms * between
    return CostRow("checkpoint", found.median, found.low, found.high, f"{between} steps", work, found.median / work)


def _checksum(repeats: int) -> CostRow:
    """Time of comparing a checksum, beside that of reading the file alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(bytes(range(256)) * (MEGABYTES * 10**6 // 256))
        write_checksums(path.parent)

        found = interleaved({"checksum": lambda: checked(path), "reading": path.read_bytes}, repeats)
    cost, reading = (found[name].summary() for name in ("checksum", "reading"))
    return CostRow(
        "checksum", cost.median, cost.low, cost.high, "reading the file", reading.median, cost.median / reading.median
    )
