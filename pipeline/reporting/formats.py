"""A table as Markdown, CSV and LaTeX; all three from the same rows, with the same digits."""

from collections.abc import Sequence
from typing import NamedTuple

from pipeline.reporting.table import Grid, Row, Table, Value

BEYOND = "beyond the paper"
"""Heads the rows that the paper does not have."""
ZERO = "≈"
"""Marks an interval that contains zero."""


def to_csv(table: Table) -> str:
    """The main table as CSV; columns that were not run are empty.

    With several seeds `std_*` columns follow, with differences `difference`, `low` and `high`.
    """
    grid = table.main
    several = any(value.spread is not None for row in grid.rows for value in row.values.values())
    head = ["method", *grid.columns, "avg"]
    head += [f"std_{name}" for name in (*grid.columns, "avg")] if several else []
    head += ["difference", "low", "high"] if grid.difference else []
    lines = [",".join(head)]
    for row in grid.rows:
        values = [*map(row.values.get, grid.columns), row.average]
        numbers = [value and value.mean for value in values]
        if several:
            numbers += [value and value.spread for value in values]
        if grid.difference:
            numbers += row.difference or [None] * 3
        lines.append(",".join([row.title, *("" if x is None else f"{x:.{grid.digits}f}" for x in numbers)]))
    return "\n".join(lines) + "\n"


def to_markdown(table: Table) -> str:
    """The table with its warnings and notes, then the further tables."""
    parts = [f"# {table.main.title}"]
    parts += [f"> **{warning}**" for warning in table.warnings]
    parts.append(_markdown(table.main))
    parts.append("\n".join(f"- {note}" for note in table.notes))
    for grid in table.details:
        parts += [f"## {grid.title}", _markdown(grid)]
    return "\n\n".join(parts) + "\n"


def to_latex(table: Table) -> str:
    """The main table for LaTeX's `booktabs`, with warnings and notes in its caption."""
    grid = table.main
    caption = " ".join(_escape(text) for text in (f"{grid.title}.", *table.warnings, *table.notes))
    extra = "l" if grid.difference else ""
    paper, beyond = _split(grid)
    lines = [
        r"\begin{table}",
        rf"\caption{{{caption}}}",
        rf"\begin{{tabular}}{{l{'r' * len(grid.columns)}r{extra}}}",
        r"\toprule",
        _latex_row(_head(grid)),
        r"\midrule",
        *(_latex_row(_texts(row, grid)) for row in paper),
        *([r"\midrule", rf"\emph{{{BEYOND}}} \\"] if beyond else []),
        *(_latex_row(_texts(row, grid)) for row in beyond),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def markdown_grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are aligned to the right."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(texts)} |" for texts in (head, rule, *rows))


class Texts(NamedTuple):
    """The cells of a table as they are printed."""

    head: list[str]
    paper: list[list[str]]
    """Rows of the paper."""
    beyond: list[list[str]]
    """Rows that the paper does not have."""


def grid_texts(grid: Grid) -> Texts:
    """The cells of a table, with the digits and signs of all its formats."""
    paper, beyond = _split(grid)
    return Texts(_head(grid), [_texts(row, grid) for row in paper], [_texts(row, grid) for row in beyond])


def signed(value: float, digits: int = 1) -> str:
    """The number with its sign, and with the minus sign of print."""
    return f"{value:+.{digits}f}".replace("-", "−")


def _markdown(grid: Grid) -> str:
    head, paper, beyond = grid_texts(grid)
    rule = [[f"*{BEYOND}*", *[""] * (len(head) - 1)]] if beyond else []
    return markdown_grid(head, [*paper, *rule, *beyond])


def _split(grid: Grid) -> tuple[list[Row], list[Row]]:
    """The paper's rows, and those that come below them."""
    return [row for row in grid.rows if not row.beyond], [row for row in grid.rows if row.beyond]


def _head(grid: Grid) -> list[str]:
    return ["method", *grid.columns, *filter(None, (grid.average, grid.difference))]


def _texts(row: Row, grid: Grid) -> list[str]:
    texts = [row.title, *(_value(row.values.get(name), grid.digits) for name in grid.columns)]
    if grid.average:
        texts.append(_value(row.average, grid.digits))
    if grid.difference:
        texts.append(_interval(row, grid.digits))
    return texts


def _value(value: Value | None, digits: int) -> str:
    if value is None:
        return ""
    spread = "" if value.spread is None else f" ± {value.spread:.{digits}f}"
    return f"{value.mean:.{digits}f}{spread}"


def _interval(row: Row, digits: int) -> str:
    if row.difference is None:
        return ""
    difference, low, high = (signed(x, digits) for x in row.difference)
    mark = f" {ZERO}" if row.difference.contains_zero else ""
    return f"{difference} [{low}, {high}]{mark}"


_LATEX = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "±": r"$\pm$", "−": "$-$", ZERO: r"$\approx$"}


def _latex_row(texts: Sequence[str]) -> str:
    return " & ".join(map(_escape, texts)) + r" \\"


def _escape(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)
