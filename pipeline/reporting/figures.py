"""All figures of the report: SEMAGIC Figures 4-6 and loss curves of the first seed, PCK and confidence of all seeds."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pipeline.base.checksums import checked
from pipeline.base.errors import InputError
from pipeline.base.files import write_bytes, write_text
from pipeline.config.cells import Cell
from pipeline.config.workspace import Workspace
from pipeline.evaluation.pck import TABLE_ALPHA
from pipeline.photographs.image_files import read_image, write_image
from pipeline.reporting.confidence import confidence_figure, judged_matches
from pipeline.reporting.loss_curves import loss_figure
from pipeline.reporting.match_pictures import draw_pairs
from pipeline.reporting.notes import warning_of
from pipeline.reporting.pck_curves import PckCurve, pck_csv, pck_curve, pck_figure
from pipeline.reporting.plot_style import to_png
from pipeline.reporting.results import Results, RowScores, first_metrics, title_of
from pipeline.reporting.rows import row_title
from pipeline.reporting.vertex_colours import vertex_colour_figure

SHOWN = ("mp", "nearest_neighbour", "ours", "ours_refined")
"""Rows whose matches are drawn, where they were run; without any of them the first row."""


def write_figures(workspace: Workspace, results: Results) -> None:
    """Write `pck_alpha.csv`, and into the figures' folder PNGs; equal input gives equal bytes.

    Raises:
        InputError: a picture or curve of a cell is missing.
    """
    folder = workspace.figures
    for category in results.categories:
        instances = {i.name: i for i in workspace.evaluation_instances(category)}
        shown = [name for name in SHOWN if name in results.rows] or list(results.rows)[:1]
        columns = {title_of(results, name): results.rows[name][category][0].points for name in shown}
        write_image(folder / f"{category}_pairs.png", draw_pairs(columns, instances, workspace, TABLE_ALPHA))
        _write_meshes(workspace, results.rows, category)
    for category in results.unannotated_categories:
        _write_meshes(workspace, results.unannotated, category)
    curves = {title_of(results, name): _mean_curve(row) for name, row in results.rows.items()}
    if curves:
        _write(folder / "pck_alpha.png", pck_figure(curves, simulated=bool(warning_of(results))))
    write_text(workspace.reports / "pck_alpha.csv", pck_csv(curves) if curves else "method,alpha,pck\n")
    if judged := judged_matches(results):
        _write(folder / "confidence.png", confidence_figure(judged, simulated=bool(warning_of(results))))


def _write_meshes(workspace: Workspace, rows: Mapping[str, RowScores], category: str) -> None:
    """Template, instances and loss curves of the rows that show a trained model."""
    trained = {name: row_title(name, metrics) for name, row in rows.items() if (metrics := first_metrics(row)).trained}
    shown = [name for name in SHOWN if name in rows] or list(rows)[:1]
    if not any(name in trained for name in shown):
        shown = list(trained)[:1]
    if sheets := {trained[name]: _sheet(workspace, name, category) for name in shown if name in trained}:
        folder = workspace.figures
        write_image(folder / f"{category}_identity.png", vertex_colour_figure(sheets))
        losses = {title: _loss_curve(workspace, name, category) for name, title in trained.items()}
        _write(folder / f"{category}_losses.png", loss_figure(losses))


def _mean_curve(row: RowScores) -> PckCurve:
    """PCK of one row, mean over its seeds."""
    seeds = range(len(next(iter(row.values()))))
    curves = [pck_curve({category: scored[seed].points for category, scored in row.items()}) for seed in seeds]
    return curves[0]._replace(values=np.mean([curve.values for curve in curves], axis=0))


def _write(path: Path, figure: Figure) -> None:
    write_bytes(path, to_png(figure))


def _first_cell(workspace: Workspace, variant: str, category: str) -> Cell:
    """The variant's cell of the first backbone and seed."""
    return Cell(variant, workspace.params.backbones[0], category, workspace.params.seeds[0])


def _sheet(workspace: Workspace, variant: str, category: str) -> np.ndarray:
    return read_image(checked(workspace.sheet(_first_cell(workspace, variant, category))))


def _loss_curve(workspace: Workspace, variant: str, category: str) -> pd.DataFrame:
    path = workspace.model(_first_cell(workspace, variant, category)) / "curve.csv"
    if not path.is_file():
        raise InputError(f"{path}: expected the loss curve of a training, found none. Run the stage `train`.")
    return pd.read_csv(checked(path))
