"""Registry of the parts of the benchmark. A part is imported only when it runs."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from benchmarks.table import Table
from pipeline.base.errors import InputError, nearest

ROOT = Path(__file__).resolve().parents[1]
"""Root of the checkout, whose parameters and stages are measured."""


class Setting(NamedTuple):
    """Settings with which a part runs."""

    quick: bool
    """Whether to use small sizes and few repeats. This tests the command, but its figures are not meaningful."""
    scratch: Path
    """Folder for the files of all parts, which may share them."""


Part = Callable[[Setting], tuple[Table, ...]]

PARTS = {
    "rasterizer": "rasterizer.measure_rasterizer",
    "training_step": "training_step.measure_training_step",
    "floor": "floor.measure_floor",
    "paper_step": "paper_step.measure_paper_step",
    "labels": "labels.measure_labels",
    "prediction": "prediction.measure_prediction",
    "evaluator": "evaluator_tables.measure_evaluator_tables",
    "repro": "repro.measure_repro",
    "memory": "memory.measure_memory",
    "scaling": "scaling.measure_scaling",
    "alternatives": "alternatives.measure_alternatives",
    "safety": "safety.measure_safety",
    "neighbours": "neighbours.measure_neighbours",
}
"""Parts in the order in which they run, each as 'module.function' in this package."""


def find_part(name: str) -> Part:
    """Import the function that measures a part.

    Raises:
        InputError: the name of the part is unknown.
    """
    if name not in PARTS:
        raise InputError(f"semagic bench: unknown part '{name}'. {nearest(name, PARTS)}")
    module, function = PARTS[name].split(".")
    return getattr(import_module(f"benchmarks.{module}"), function)
