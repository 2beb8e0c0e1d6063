"""Small embedded benchmark of one category with all its labels, in a folder that the parts of a run share."""

import dataclasses
import shutil
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from benchmarks.parts import ROOT, Setting
from pipeline.config.cells import resolve_features
from pipeline.config.params import Params, load_params, vary
from pipeline.config.workspace import Workspace
from pipeline.data.paper_rules import select
from pipeline.data.selection import write_selection
from pipeline.labels.components.foreground import fit_foreground, write_foreground
from pipeline.labels.components.masked_tokens import foreground_tokens, masked_tokens
from pipeline.labels.components.pca import fit_pca, write_pca
from pipeline.labels.depth.label import label_depth
from pipeline.labels.features.label import label_features
from pipeline.labels.masks.label import label_masks
from pipeline.labels.poses.label import label_poses
from pipeline.simulation.generate import generate
from pipeline.training.dataset import TrainingSet
from pipeline.training.loading import load_training_set

CATEGORY = "car"
IMAGES, QUICK_IMAGES = 96, 8
"""Numbers of training images of the shared world, and with `--quick`."""
SHAPES = 8
EVALUATED = 4
"""Number of photographs in each split of SPair-71k, which the benchmarks do not use."""


def shipped_params(overlay: dict[str, Any] | None = None, images: int = 0) -> Params:
    """Shipped parameters for one category.

    Args:
        overlay: changes of model, loss or training.
        images: number of training images to generate, of few shapes; 0 keeps the shipped numbers.
    """
    params = vary(load_params(ROOT / "params.yaml"), overlay or {})
    params = dataclasses.replace(resolve_features(params, params.backbones[0]), categories=(CATEGORY,))
    if not images:
        return params
    few = {
        "train_shapes": SHAPES,
        "pair_shapes": SHAPES,
        "train_images": images,
        **{f"{split}_images": EVALUATED for split in ("trn", "val", "test")},
        **{f"{split}_pairs": EVALUATED for split in ("trn", "val", "test")},
    }
    return dataclasses.replace(params, simulation=dataclasses.replace(params.simulation, **few))


def shared_world(setting: Setting) -> Workspace:
    """Make the world that the parts of a run share."""
    return make_world(setting.scratch, QUICK_IMAGES if setting.quick else IMAGES)


def make_world(scratch: Path, images: int) -> Workspace:
    """Generate and label `images` training images, or reuse a world with this number of images."""
    params = shipped_params(images=images)
    workspace = Workspace(scratch / f"world_{images}", params)
    if not workspace.pca(params.backbones[0], CATEGORY).is_file():
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            generate(workspace)
            label(workspace)
    return workspace


def label(workspace: Workspace) -> None:
    """List the instances, label them and fit the principal components, as the stages do."""
    params, backbone = workspace.params, workspace.params.backbones[0]
    # A complete workspace has the file of pins, although simulated labels use no weights.
    shutil.copy(ROOT / "downloads.yaml", workspace.pins)
    write_selection(workspace, select(workspace, CATEGORY))
    for work in (label_masks, label_depth, label_poses):
        work(workspace, CATEGORY)
    label_features(workspace, backbone, CATEGORY)
    images = masked_tokens(workspace, backbone, CATEGORY)
    write_foreground(workspace.foreground(backbone, CATEGORY), fit_foreground(images, params.pca.foreground_share))
    write_pca(
        workspace.pca(backbone, CATEGORY),
        fit_pca(foreground_tokens(workspace, backbone, CATEGORY), params.pca.dims),
    )


def first_images(workspace: Workspace, count: int) -> Workspace:
    """Make a variant of a world with at most `count` training images, in a new folder that links to the original."""
    data = dataclasses.replace(workspace.params.data, max_training_images=count)
    params = dataclasses.replace(workspace.params, data=data)
    part = Workspace(workspace.root.with_name(f"{workspace.root.name}_{count}"), params)
    if not part.root.exists():
        part.root.mkdir()
        for name in ("data", "labels", "features", "components", part.pins.name):
            (part.root / name).symlink_to(workspace.root / name)
        write_selection(part, select(part, CATEGORY))
    return part


def training_set(workspace: Workspace, params: Params) -> TrainingSet:
    """Load the training set of a world at the image size of `params`."""
    with redirect_stderr(StringIO()):
        return load_training_set(Workspace(workspace.root, params), params.backbones[0], CATEGORY)
