"""A small embedded benchmark of one category with all its labels, in a folder that the parts of a run share."""

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
from pipeline.data.build import build, write_tables
from pipeline.labels.depth.label import label_depth
from pipeline.labels.features.foreground import foreground_tokens
from pipeline.labels.features.label import label_features
from pipeline.labels.features.pca import fit_pca, write_pca
from pipeline.labels.masks.label import label_masks
from pipeline.labels.poses.label import label_poses
from pipeline.simulation.generate import generate
from pipeline.training.dataset import TrainingSet
from pipeline.training.loading import load_training_set

CATEGORY = "car"
IMAGES, QUICK_IMAGES = 96, 8
"""Training images of the shared world."""
SHAPES = 8
EVALUATED = 4
"""Photographs in each of SPair-71k's splits, which nothing here looks at."""


def shipped_params(overlay: dict[str, Any] | None = None, images: int = 0) -> Params:
    """The shipped parameters for one category, with changes of model, loss or training.

    Args:
        images: training images to generate, of few shapes; 0: as many as are shipped.
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
    """The one that the parts of a run have in common."""
    return make_world(setting.scratch, QUICK_IMAGES if setting.quick else IMAGES)


def make_world(scratch: Path, images: int) -> Workspace:
    """Generate and label `images` training images; a world of as many images that is there already is used."""
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
    # The pins of weights that nothing here uses.
    shutil.copy(ROOT / "downloads.yaml", workspace.pins)
    write_tables(workspace, build(workspace, CATEGORY))
    for work in (label_masks, label_depth, label_poses):
        work(workspace, CATEGORY)
    label_features(workspace, backbone, CATEGORY)
    write_pca(
        workspace.pca(backbone, CATEGORY),
        fit_pca(foreground_tokens(workspace, backbone, CATEGORY), params.pca.dims),
    )


def first_images(workspace: Workspace, count: int) -> Workspace:
    """The same world with at most `count` training images, in a folder of its own that links to the other."""
    data = dataclasses.replace(workspace.params.data, max_training_images=count)
    params = dataclasses.replace(workspace.params, data=data)
    part = Workspace(workspace.root.with_name(f"{workspace.root.name}_{count}"), params)
    if not part.root.exists():
        part.root.mkdir()
        for name in ("data", "labels", "features", part.pins.name):
            (part.root / name).symlink_to(workspace.root / name)
        write_tables(part, build(params, part, CATEGORY))
    return part


def training_set(workspace: Workspace, params: Params) -> TrainingSet:
    """The world's training set at the image size of `params`."""
    with redirect_stderr(StringIO()):
        return load_training_set(Workspace(workspace.root, params), params.backbones[0], CATEGORY)
