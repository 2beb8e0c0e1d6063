"""Our numbers beside the paper's, cell by cell, and what becomes of the paper's claims."""

from collections.abc import Sequence

from pipeline.config.categories import CATEGORIES
from pipeline.reporting.claims import Claim
from pipeline.reporting.formats import markdown_grid, signed
from pipeline.reporting.notes import warning_of
from pipeline.reporting.paper import TABLE1, TABLE2
from pipeline.reporting.results import Results, first_metrics, title_of
from pipeline.reporting.rows import BACKBONES, BASELINES, PAPER_ROWS, backbone_title
from pipeline.reporting.table import Table, Value, average_title

LOUD = (
    "**THE DATA DIFFER.** The paper's numbers are measured on photographs and with foundation models, ours on the "
    "embedded benchmark with simulated labels and features. Only the ORDER of the rows can be compared; the "
    "differences to the paper in the tables below say nothing of how well it is reproduced."
)


def versus_paper1(table: Table, results: Results, claims: Sequence[Claim]) -> str:
    """Table 1 beside the paper's, as Markdown."""
    first = {name: first_metrics(cells) for name, cells in results.rows.items()}
    # The paper's feature rows are those of one backbone.
    names = [
        n for n in first if n in TABLE1 and (n not in BASELINES or backbone_title(first[n]) == BACKBONES["dinov2"])
    ]
    titles = [title_of(results, name) for name in names]
    rows = {row.title: row for row in table.main.rows}
    return _page(
        "Table 1 beside the paper's: PCK@0.1 (%)",
        results,
        [(title, rows[title].values, TABLE1[name]) for name, title in zip(names, titles, strict=True)],
        [claim for claim in claims if claim.measure == "PCK@0.1"],
        1,
    )


def versus_paper2(table: Table, results: Results, claims: Sequence[Claim]) -> str:
    """Table 2 beside the paper's, as Markdown."""
    names = [name for name in results.reconstruction if name in TABLE2]
    rows = dict(zip(results.reconstruction, table.main.rows, strict=True))
    return _page(
        "Table 2 beside the paper's: normalised Chamfer distance x 100 (lower is better)",
        results,
        [(rows[name].title, rows[name].values, TABLE2[name]) for name in names],
        [claim for claim in claims if claim.measure != "PCK@0.1"],
        2,
    )


def _page(
    title: str,
    results: Results,
    rows: Sequence[tuple[str, Sequence[Value], tuple[float, ...]]],
    claims: Sequence[Claim],
    digits: int,
) -> str:
    categories = results.categories
    cells = []
    for name, values, paper in rows:
        ours = [values[CATEGORIES.index(category)].mean for category in categories]
        theirs = [paper[CATEGORIES.index(category)] for category in categories]
        pairs = [*zip(ours, theirs, strict=True), (sum(ours) / len(ours), sum(theirs) / len(theirs))]
        cells.append([name, *(f"{a:.{digits}f} / {b:.1f} / {signed(a - b, digits)}" for a, b in pairs)])
    warning = warning_of(results)
    parts = [f"# {title}", *([f"> {LOUD}"] if warning else [])]
    parts.append("Each cell: ours / the paper's / the difference. Averages are over the categories that were run.")
    parts.append(markdown_grid(["method", *categories, average_title(categories)], cells))
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


def _plain(name: str) -> str:
    if name in PAPER_ROWS:
        return PAPER_ROWS[name].title
    return {"nearest_neighbour": "features", "pca_nearest_neighbour": "features' PCA"}[name]
