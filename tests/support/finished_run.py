"""A cell that has been run and scored, with all that the report and the pages read."""

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.base.checksums import write_checksums
from pipeline.config.workspace import Workspace
from pipeline.evaluation.evaluate import evaluate_cell
from pipeline.evaluation.evaluate_baselines import evaluate_baselines
from pipeline.evaluation.result import write_evaluation
from pipeline.photographs.image_files import write_image
from pipeline.pictures.sheets import SIZE, Sheet, compose_sheet
from pipeline.training.curve import CURVE_COLUMNS
from support.scored_world import BACKBONE, CATEGORY, CELL, make_pair, write_world
from support.tiny import tiny_params


def finished_run(root: Path, **overrides) -> Workspace:
    """One trained cell and the baselines of its category; meshes are not compared with CAD models."""
    params = tiny_params(
        categories=[CATEGORY],
        trained=["ours"],
        reconstruction__variants=[],
        bootstrap__replicates=50,
        correspondence__map_size=256,
        pca__dims=16,
        **overrides,
    )
    workspace = write_world(root, params, calibration=[make_pair("a", "c", params, seed=3)])
    write_evaluation(workspace.evaluation(CELL), evaluate_cell(workspace, CELL))
    write_evaluation(workspace.baselines(BACKBONE, CATEGORY), evaluate_baselines(workspace, BACKBONE, CATEGORY))
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (5, 4, SIZE, SIZE, 3), dtype=np.uint8)
    write_image(workspace.predictions(CELL) / "sheet.png", compose_sheet(Sheet(*pictures)))
    write_checksums(workspace.predictions(CELL))
    curve = pd.DataFrame(rng.random((5, len(CURVE_COLUMNS))), columns=list(CURVE_COLUMNS))
    workspace.model(CELL).mkdir(parents=True)
    curve.assign(step=range(5)).to_csv(workspace.model(CELL) / "curve.csv", index=False)
    write_checksums(workspace.model(CELL))
    return workspace
