"""Benchmark part `evaluator`: the measurements of `benchmarks.evaluator` as tables."""

from dataclasses import replace
from typing import NamedTuple

from benchmarks.parts import ROOT, Setting
from benchmarks.table import Table
from pipeline.config.categories import CATEGORIES
from pipeline.config.params import load_params


class WholeRow(NamedTuple):
    """Time of the evaluation of all categories, with all methods and measures, from files to files."""

    categories: int
    images: int
    pairs: int
    map_size: int
    seconds: float
    pairs_per_second: float


def measure_evaluator_tables(setting: Setting) -> tuple[Table, ...]:
    """Measure the pairs per second of each method, of a plain evaluator, and of the whole evaluation."""
    from benchmarks.evaluator import CategorySize, measure_evaluator

    params = load_params(ROOT / "params.yaml")
    params = params if setting.quick else replace(params, categories=tuple(CATEGORIES))
    if setting.quick:
        cost = measure_evaluator(params, (64,), CategorySize(images=6, pairs=12, dims=384), plain_pairs=2, processes=1)
    else:
        cost = measure_evaluator(params)
    rate = cost.pairs / cost.seconds
    whole = WholeRow(cost.categories, cost.images, cost.pairs, cost.map_size, cost.seconds, rate)
    note = f"The plain evaluator does {cost.plain_pairs} of the pairs, one by one; the matches are compared."
    return Table("Evaluator, method by method", cost.rates, (note,)), Table("Evaluation as a whole", [whole])
