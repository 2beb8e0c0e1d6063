"""The page that a run opens with: both tables, the paper's claims, and curves, with a way into each category."""

import base64
from typing import Any

import cv2
import numpy as np
import pandas as pd
from jaxtyping import UInt8

from pipeline.base.checksums import checked
from pipeline.base.files import write_text
from pipeline.config.cells import Cell
from pipeline.config.workspace import Workspace
from pipeline.evaluation.pck import TABLE_ALPHA
from pipeline.evaluation.result import threshold_name
from pipeline.gallery.pages import render_page
from pipeline.photographs.image_files import read_image
from pipeline.pictures.sheets import split_sheet
from pipeline.reporting.claims import Claim, judge_claims
from pipeline.reporting.formats import BEYOND, grid_texts, signed
from pipeline.reporting.loss_curves import NO_TERMS, running_median
from pipeline.reporting.notes import warnings_of
from pipeline.reporting.pck_curves import pck_curve
from pipeline.reporting.results import Results, first_metrics, only_trained, read_results, title_of
from pipeline.reporting.rows import REFERENCE, row_title, short_title
from pipeline.reporting.table import Grid, Table
from pipeline.reporting.table1 import build_table1
from pipeline.reporting.table2 import build_table2
from pipeline.reporting.unannotated import unannotated_table

DIGITS = 5
"""Significant digits of a curve."""


def write_overview(workspace: Workspace) -> None:
    """Write reports/index.html; equal scores give equal bytes.

    Raises:
        InputError: a cell has not been evaluated, or cells were evaluated with different parameters.
    """
    params = workspace.params
    results = read_results(workspace)
    tables = [build(results, params.bootstrap) for build in (build_table1, build_table2)] if results.rows else []
    tables.append(unannotated_table(results))
    page = render_page(
        "overview.html",
        ("theme.js", "overview.js"),
        {"pck": _pck(results), "losses": _losses(workspace, results)},
        warnings=warnings_of(results),
        cards=[_card(workspace, results, category) for category in params.categories],
        tables=[_table(table) for table in tables if table is not None],
        claims=[_claim(claim, results) for claim in judge_claims(results, params.bootstrap)],
        beyond=BEYOND,
    )
    write_text(workspace.overview, page)


def _table(table: Table) -> dict[str, Any]:
    return {"notes": table.notes, "grids": [_grid(grid) for grid in (table.main, *table.details)]}


def _grid(grid: Grid) -> dict[str, Any]:
    """The texts of a table without the columns of categories that were not run."""
    run = tuple(column for column in grid.columns if any(column in row.values for row in grid.rows))
    grid = grid._replace(columns=run)
    return {"title": grid.title, **grid_texts(grid)._asdict()}


def _claim(claim: Claim, results: Results) -> dict[str, str]:
    digits = 1 if claim.measure.startswith("PCK") else 2
    gain, low, high = (signed(value, digits) for value in claim.gain)
    names = {name: short_title(name, first_metrics(results.rows[name])) for name in results.rows}
    return {
        "text": f"{names[claim.better]} better than {names[claim.worse]}",
        "measure": claim.measure,
        "gain": f"{gain} [{low}, {high}]",
        "verdict": claim.verdict,
    }


def _card(workspace: Workspace, results: Results, category: str) -> dict[str, str]:
    """A way into a category: the template of the reference row, or of the first trained one, and its score."""
    rows = only_trained(results.rows_of(category))
    if not rows:
        return {"category": category, "picture": "", "text": ""}
    name = REFERENCE if REFERENCE in rows else next(iter(rows))
    first = rows[name][category][0]
    cell = Cell(name, workspace.params.backbones[0], category, workspace.params.seeds[0])
    picture = split_sheet(read_image(checked(workspace.sheet(cell)))).template[1]
    title = short_title(name, first.metrics)
    if first.metrics.annotated:
        score = first.metrics.pck[first.method][threshold_name(TABLE_ALPHA)].per_image
        text = f"{title}: {100 * score:.1f}"
    else:
        text = f"{title}: {100 * first.metrics.consistency[first.method].returned:.0f} % find back"
    return {"category": category, "picture": _png(picture), "text": text}


def _png(image: UInt8[np.ndarray, "H W 3"]) -> str:
    return base64.b64encode(cv2.imencode(".png", image[..., ::-1])[1].tobytes()).decode("ascii")


def _pck(results: Results) -> dict[str, Any]:
    """PCK in per cent against its threshold, of the first seed."""
    curves = {
        title_of(results, name): pck_curve({category: scored[0].points for category, scored in row.items()})
        for name, row in results.rows.items()
    }
    if not curves:
        return {"alphas": [], "rows": {}}
    alphas = next(iter(curves.values())).alphas
    return {"alphas": _short(alphas), "rows": {title: _short(100 * curve.values) for title, curve in curves.items()}}


def _losses(workspace: Workspace, results: Results) -> dict[str, Any]:
    """Running medians of each term, by category, row and term; terms that are always zero are left out."""
    found: dict[str, Any] = {}
    for category in workspace.params.categories:
        for name, row in only_trained(results.rows_of(category)).items():
            cell = Cell(name, workspace.params.backbones[0], category, workspace.params.seeds[0])
            curve = pd.read_csv(checked(workspace.curve(cell)))
            terms = {term: curve[term].fillna(0) for term in curve.columns if term not in NO_TERMS}
            found.setdefault(category, {})[row_title(name, first_metrics(row))] = {
                "step": curve["step"].tolist(),
                "terms": {term: _short(running_median(values)) for term, values in terms.items() if values.any()},
            }
    return found


def _short(values: Any) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in np.asarray(values, np.float64)]
