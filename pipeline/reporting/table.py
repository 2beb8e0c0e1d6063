"""The form of a table: rows of numbers with their spread over seeds, and notes that a reader of them needs."""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from pipeline.config.categories import CATEGORIES
from pipeline.reporting.bootstrap import Interval


class Value(NamedTuple):
    """One number of a table."""

    mean: float
    """Mean over the seeds."""
    spread: float | None = None
    """Sample standard deviation over the seeds; None with fewer than two."""


class Row(NamedTuple):
    """The numbers of one method."""

    title: str
    values: Mapping[str, Value]
    """Numbers by column; columns that were not run are missing."""
    average: Value | None = None
    """Average over the columns that were run, taken seed by seed; None in a table without that column."""
    difference: Interval | None = None
    """Average minus that of the reference row; None for the reference itself, or in a table without that column."""
    beyond: bool = False
    """Whether the paper has no such row; these come last, below a rule."""


class Grid(NamedTuple):
    """Rows under named columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    average: str | None = None
    """Heading of the averages; it says if they cover a part of the categories. None: no such column."""
    difference: str | None = None
    """Heading of the differences. None: no such column."""
    digits: int = 1
    """Digits after the decimal point."""


class Table(NamedTuple):
    """A table of the paper, with further ones on the same page."""

    main: Grid
    warnings: tuple[str, ...]
    """What nobody should miss who reads it."""
    notes: tuple[str, ...]
    details: tuple[Grid, ...] = ()


def over_seeds(values: Sequence[float]) -> Value:
    """Mean and sample standard deviation of one number for each seed."""
    mean = sum(values) / len(values)
    if len(values) < 2:
        return Value(mean)
    return Value(mean, math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1)))


def category_row(
    title: str, by_category: Mapping[str, Sequence[float]], difference: Interval | None = None, beyond: bool = False
) -> Row:
    """A row with a number for each category.

    Args:
        by_category: one number for each seed, for the categories that were run.
    """
    values = {name: over_seeds(numbers) for name, numbers in by_category.items()}
    return Row(title, values, category_average(by_category), difference, beyond)


def category_average(by_category: Mapping[str, Sequence[float]]) -> Value:
    """Unweighted mean over the categories, with the spread of this mean over the seeds."""
    seeds = zip(*by_category.values(), strict=True)
    return over_seeds([sum(of_seed) / len(of_seed) for of_seed in seeds])


def table_columns(categories: Collection[str]) -> tuple[str, ...]:
    """Columns of the paper's tables, its ten categories, followed by those in `categories` that are not among them.

    Without any of the ten the columns are `categories` alone.
    """
    known = CATEGORIES if any(name in CATEGORIES for name in categories) else ()
    return (*known, *(name for name in categories if name not in known))


def average_title(categories: Collection[str]) -> str:
    """Heading of the average over `categories`."""
    return "avg" if len(categories) == len(table_columns(categories)) else f"avg of {len(categories)}"
