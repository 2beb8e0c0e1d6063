"""The form of a table: rows of numbers with their spread over seeds, and what a reader has to know of them."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.config.categories import CATEGORIES
from pipeline.reporting.bootstrap import Interval


class Value(NamedTuple):
    """One number of a table."""

    mean: float
    """Over the seeds; NaN where it was not run."""
    spread: float | None = None
    """Sample standard deviation over the seeds; None with fewer than two."""


NOT_RUN = Value(math.nan)


class Row(NamedTuple):
    """One method."""

    title: str
    values: tuple[Value, ...]
    average: Value | None = None
    """Over the columns that were run, seed by seed; None in a table without that column."""
    difference: Interval | None = None
    """Of the average to the reference row's; None for that row, or in a table without that column."""


class Grid(NamedTuple):
    """Rows under named columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    average: str | None = None
    """Heading of the averages; it tells an average over a part of the categories."""
    difference: str | None = None
    """Heading of the differences."""
    digits: int = 1


class Table(NamedTuple):
    """A table of the paper, with further ones on the same page."""

    main: Grid
    warning: str
    """What is simulated; empty where nothing is."""
    notes: tuple[str, ...]
    details: tuple[Grid, ...] = ()


def over_seeds(values: Sequence[float]) -> Value:
    """Mean and sample standard deviation."""
    mean = sum(values) / len(values)
    if len(values) < 2:
        return Value(mean)
    return Value(mean, math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1)))


def category_row(
    title: str,
    by_category: dict[str, Sequence[float]],
    difference: Interval | None = None,
    columns: Sequence[str] = CATEGORIES,
) -> Row:
    """A row with a column for each category, by default the paper's ten.

    Args:
        by_category: one number for each seed, of the categories that were run.
    """
    values = tuple(over_seeds(by_category[name]) if name in by_category else NOT_RUN for name in columns)
    seeds = zip(*by_category.values(), strict=True)
    average = over_seeds([sum(of_seed) / len(of_seed) for of_seed in seeds])
    return Row(title, values, average, difference)


def average_title(categories: Sequence[str]) -> str:
    """Heading of the average over `categories`."""
    return "avg" if len(categories) == len(CATEGORIES) else f"avg of {len(categories)}"
