"""The parts of the benchmark by name; each is imported when it is run."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from benchmarks.table import Table
from pipeline.base.errors import InputError, nearest

ROOT = Path(__file__).resolve().parents[1]
"""The checkout, whose parameters and stages are measured."""


class Setting(NamedTuple):
    """How a part is run."""

    quick: bool
    """Small sizes and few repeats: shows that the command works; its figures mean little."""
    scratch: Path
    """A folder for what the parts write, and may share."""


Part = Callable[[Setting], tuple[Table, ...]]

PARTS = {
    "rasterizer": "rasterizer.measure_rasterizer",
    "training_step": "training_step.measure_training_step",
    "floor": "floor.measure_floor",
    "paper_step": "paper_step.measure_paper_step",
    "labels": "labels.measure_labels",
    "evaluator": "evaluator_tables.measure_evaluator_tables",
    "repro": "repro.measure_repro",
    "memory": "memory.measure_memory",
    "scaling": "scaling.measure_scaling",
    "alternatives": "alternatives.measure_alternatives",
    "neighbours": "neighbours.measure_neighbours",
}
"""In the order in which they run: a function of a module in this package."""


def find_part(name: str) -> Part:
    """The function that measures a part.

    Raises:
        InputError: there is no such part.
    """
    if name not in PARTS:
        raise InputError(f"python -m benchmarks: unknown part '{name}'. {nearest(name, PARTS)}")
    module, function = PARTS[name].split(".")
    return getattr(import_module(f"benchmarks.{module}"), function)
