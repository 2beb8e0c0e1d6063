"""A whole run at toy size: every stage for one trained cell of the embedded benchmark."""

import contextlib
import io
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from shutil import copy

import pytest

from pipeline.base.yaml_text import parse_yaml
from pipeline.config.cells import Cell
from pipeline.config.opening import open_cell
from pipeline.config.profiles import merge_text, read_profile
from pipeline.config.workspace import Workspace
from support.paths import ROOT

CELL = Cell("ours", "dinov2", "car", 0)
CATEGORY = ["--category", CELL.category]
BACKBONE = [*CATEGORY, "--backbone", CELL.backbone]
TRAINED = ["--variant", CELL.variant, *BACKBONE, "--seed", str(CELL.seed)]
STAGES = {
    "data": [],
    "instances": CATEGORY,
    "masks": CATEGORY,
    "depth": CATEGORY,
    "poses": CATEGORY,
    "features": BACKBONE,
    "pca": BACKBONE,
    "train": TRAINED,
    "predict": TRAINED,
    "evaluate": TRAINED,
}
"""Arguments of each stage, in the order in which they run."""
TOY = """
categories: [car]
trained: [ours]
simulation: {train_images: 8, train_shapes: 3, pair_shapes: 3, trn_images: 2, val_images: 2, trn_pairs: 2, val_pairs: 2}
features: {grid: 16}
reconstruction: {variants: [ours]}
"""


def write_tiny_run(root: Path) -> Workspace:
    """Run the stages in `root`, a folder that is there; the workspace has the parameters of `CELL`."""
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    for overrides in (read_profile(ROOT / "profiles", "smoke"), parse_yaml(TOY)):
        text = merge_text(text, overrides, "tiny run")
    (root / "params.yaml").write_text(text, encoding="utf-8")
    copy(ROOT / "downloads.yaml", root)
    for stage in STAGES:
        run_stage(root, stage)
    return open_cell(root, CELL.variant, CELL.category)[0]


def run_stage(root: Path, stage: str, arguments: Sequence[str] | None = None) -> None:
    """Run a stage, by default with its arguments in `STAGES`."""
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(io.StringIO()):
        patch.setattr(sys, "argv", [stage, *(STAGES[stage] if arguments is None else arguments), "--root", str(root)])
        # MLflow takes longer than all the rest.
        patch.setattr("pipeline.tracking.tracker.Tracker._open", lambda *_: None)
        import_module(f"stages.{stage}").main()
