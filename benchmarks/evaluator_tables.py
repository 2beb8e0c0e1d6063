"""The part `evaluator`: what `benchmarks.evaluator` measures, as tables."""

from dataclasses import replace
from typing import NamedTuple

from benchmarks.parts import ROOT, Setting
from benchmarks.table import Table
from pipeline.config.categories import CATEGORIES
from pipeline.config.params import load_params


class WholeRow(NamedTuple):
    """The evaluation of all categories, with all methods and measures, from files to files."""

    categories: int
    images: int
    pairs: int
    map_size: int
    seconds: float
    pairs_per_second: float


def measure_evaluator_tables(setting: Setting) -> tuple[Table, ...]:
    """Pairs a second of each method, beside a plain evaluator, and of the whole evaluation."""
    from benchmarks.evaluator import measure_evaluator

    params = load_params(ROOT / "params.yaml")
    params = params if setting.quick else replace(params, categories=CATEGORIES)
    small = {"map_sizes": (64,), "images": 6, "pairs": 12, "plain_pairs": 2, "processes": 1} if setting.quick else {}
    cost = measure_evaluator(params, **small)
    rate = cost.pairs / cost.seconds
    whole = WholeRow(cost.categories, cost.images, cost.pairs, cost.map_size, cost.seconds, rate)
    note = f"The plain evaluator does {cost.plain_pairs} of the pairs, one by one; the matches are compared."
    return Table("Evaluator, method by method", cost.rates, (note,)), Table("Evaluation as a whole", [whole])
