"""Our numbers beside the paper's, category by category, and what becomes of the paper's claims."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pipeline.reporting.claims import Claim
from pipeline.reporting.formats import markdown_grid, signed
from pipeline.reporting.notes import warning_of
from pipeline.reporting.paper import TABLE1, TABLE2
from pipeline.reporting.results import Results, first_metrics
from pipeline.reporting.rows import BACKBONES, FEATURE_ROWS, PAPER_ROWS, backbone_title
from pipeline.reporting.table import Row, Table, average_title

LOUD = (
    "**THE DATA DIFFER.** The paper's numbers are measured on photographs and with foundation models, ours on the "
    "embedded benchmark with simulated labels and features. Only the ORDER of the rows can be compared; the "
    "differences to the paper in the tables below say nothing of how well it is reproduced."
)
ABSENT = "–"
"""Stands for the number of a category that is not in the paper."""


class _Compared(NamedTuple):
    """A row of ours, and the paper's numbers of the same row by category."""

    ours: Row
    paper: Mapping[str, float]


def versus_paper1(table: Table, results: Results, claims: Sequence[Claim]) -> str:
    """Table 1 beside the paper's, as Markdown."""
    rows = []
    for (name, row), ours in zip(results.rows.items(), table.main.rows, strict=True):
        # The paper's feature rows are those of one backbone.
        another = name in FEATURE_ROWS and backbone_title(first_metrics(row)) != BACKBONES["dinov2"]
        if name in TABLE1 and not another:
            rows.append(_Compared(ours, TABLE1[name]))
    title = "Table 1 beside the paper's: PCK@0.1 (%)"
    return _page(title, results, rows, [claim for claim in claims if claim.measure == "PCK@0.1"], digits=1)


def versus_paper2(table: Table, results: Results, claims: Sequence[Claim]) -> str:
    """Table 2 beside the paper's, as Markdown."""
    named = zip(results.reconstruction, table.main.rows, strict=True)
    rows = [_Compared(ours, TABLE2[name]) for name, ours in named if name in TABLE2]
    title = "Table 2 beside the paper's: normalised Chamfer distance x 100 (lower is better)"
    return _page(title, results, rows, [claim for claim in claims if claim.measure != "PCK@0.1"], digits=2)


def _page(title: str, results: Results, rows: Sequence[_Compared], claims: Sequence[Claim], digits: int) -> str:
    parts = [f"# {title}", *([f"> {LOUD}"] if warning_of(results) else [])]
    parts += _beside(results.categories, rows, digits)
    parts.append("## The paper's claims")
    parts.append(
        "Whether the first row is better than the second, by how much on average over the categories run, with the "
        "interval of a paired bootstrap over images."
    )
    listed = [
        [
            f"{_plain(claim.better)} better than {_plain(claim.worse)} ({claim.measure})",
            f"{signed(claim.gain.difference, digits)} "
            f"[{signed(claim.gain.low, digits)}, {signed(claim.gain.high, digits)}]",
            claim.verdict,
        ]
        for claim in claims
    ]
    parts.append(markdown_grid(["claim", "gain", "here"], listed) if listed else "None of their rows was run.")
    return "\n\n".join(parts) + "\n"


def _beside(categories: Sequence[str], rows: Sequence[_Compared], digits: int) -> list[str]:
    """Explanation of the table of one measure, and the table itself, as Markdown."""
    common = [name for name in categories if all(name in row.paper for row in rows)]
    explanation = "Each cell: ours / the paper's / the difference. Averages are over the categories that were run."
    if len(common) < len(categories):
        absent = [name for name in categories if name not in common]
        explanation += f" {ABSENT}: not in the paper, and not in the averages: {', '.join(absent)}."
    texts = []
    for row, paper in rows:
        ours = {name: row.values[name].mean for name in categories}
        text = [row.title, *(_against(ours[name], paper.get(name), digits) for name in categories)]
        if common:
            average, published = (sum(numbers[name] for name in common) / len(common) for numbers in (ours, paper))
            text.append(_against(average, published, digits))
        texts.append(text)
    head = ["method", *categories, *([average_title(common)] if common else [])]
    return [explanation, markdown_grid(head, texts)]


def _against(ours: float, paper: float | None, digits: int) -> str:
    if paper is None:
        return f"{ours:.{digits}f} / {ABSENT}"
    return f"{ours:.{digits}f} / {paper:.1f} / {signed(ours - paper, digits)}"


def _plain(name: str) -> str:
    if name in PAPER_ROWS:
        return PAPER_ROWS[name].title
    return {"nearest_neighbour": "features", "pca_nearest_neighbour": "features' PCA"}[name]
