"""A table as Markdown, CSV and LaTeX."""

import math
from collections.abc import Sequence

from pipeline.categories import CATEGORIES
from pipeline.evaluation.result import threshold_name
from pipeline.reporting.table import Row, Table


def to_csv(table: Table) -> str:
    """The columns of the paper's table; categories that were not run are empty."""
    lines = [",".join(["method", *CATEGORIES, "avg"])]
    lines += [",".join([row.name, *_cells(row)]) for row in table.rows]
    return "\n".join(lines) + "\n"


def to_markdown(table: Table) -> str:
    """The table with its warning and notes, then the averages at all thresholds."""
    head = ["method", *CATEGORIES, table.average_title]
    parts = [f"# Table 1: PCK@{threshold_name(table.alpha)} (%)"]
    parts += [f"> **{table.warning}**"] if table.warning else []
    parts.append(_grid(head, [[row.name, *_cells(row)] for row in table.rows]))
    parts.append("\n".join(f"- {note}" for note in table.notes))
    parts.append("Averages at all thresholds, per image and per point:")
    titles = [f"{name} {kind}" for kind in ("image", "point") for name in table.thresholds]
    parts.append(_grid(["method", *titles], [[row.name, *map(_number, row.values)] for row in table.details]))
    return "\n\n".join(parts) + "\n"


def to_latex(table: Table) -> str:
    """The table for `booktabs`, warning and notes in its caption."""
    caption = " ".join([f"PCK@{threshold_name(table.alpha)} (\\%).", *map(_escape, (table.warning, *table.notes))])
    lines = [
        r"\begin{table}",
        rf"\caption{{{caption}}}",
        rf"\begin{{tabular}}{{l{'r' * len(CATEGORIES)}r}}",
        r"\toprule",
        " & ".join(["method", *CATEGORIES, table.average_title]) + r" \\",
        r"\midrule",
        *(" & ".join([_escape(row.name), *_cells(row)]) + r" \\" for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> list[str]:
    return [*map(_number, row.values), _number(row.average)]


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.1f}"


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def _escape(text: str) -> str:
    for character in "&%_#":
        text = text.replace(character, f"\\{character}")
    return text
