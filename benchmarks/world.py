"""A small embedded benchmark of one category with all its labels, in a folder that the parts of a run share."""

import dataclasses
import shutil
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from benchmarks.parts import ROOT, Setting
from pipeline.benchmark.generate import generate
from pipeline.cells import resolve_features
from pipeline.data.tables import build, write_tables
from pipeline.labels.depth.label import label_depth
from pipeline.labels.features.foreground import foreground_tokens
from pipeline.labels.features.label import label_features
from pipeline.labels.masks.label import label_masks
from pipeline.labels.poses.label import label_poses
from pipeline.layout import Layout
from pipeline.params import Params, load_params, vary
from pipeline.pca import fit_pca, write_pca
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
    return dataclasses.replace(params, benchmark=dataclasses.replace(params.benchmark, **few))


def shared_world(setting: Setting) -> Layout:
    """The one that the parts of a run have in common."""
    return make_world(setting.scratch, QUICK_IMAGES if setting.quick else IMAGES)


def make_world(scratch: Path, images: int) -> Layout:
    """Generate and label `images` training images; a world of as many images that is there already is used."""
    params = shipped_params(images=images)
    layout = Layout(scratch / f"world_{images}", params)
    if not layout.pca(params.backbones[0], CATEGORY).is_file():
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            generate(params, layout)
            label(layout)
    return layout


def label(layout: Layout) -> None:
    """List the instances, label them and fit the principal components, as the stages do."""
    params, backbone = layout.params, layout.params.backbones[0]
    # The pins of weights that nothing here uses.
    shutil.copy(ROOT / "downloads.yaml", layout.pins)
    write_tables(layout, build(params, layout, CATEGORY))
    for work in (label_masks, label_depth, label_poses):
        work(params, layout, CATEGORY)
    label_features(params, layout, backbone, CATEGORY)
    write_pca(
        layout.pca(backbone, CATEGORY), fit_pca(foreground_tokens(params, layout, backbone, CATEGORY), params.pca.dims)
    )


def first_images(layout: Layout, count: int) -> Layout:
    """The same world with at most `count` training images, in a folder of its own that links to the other."""
    data = dataclasses.replace(layout.params.data, max_training_images=count)
    params = dataclasses.replace(layout.params, data=data)
    part = Layout(layout.root.with_name(f"{layout.root.name}_{count}"), params)
    if not part.root.exists():
        part.root.mkdir()
        for name in ("data", "labels", "features", part.pins.name):
            (part.root / name).symlink_to(layout.root / name)
        write_tables(part, build(params, part, CATEGORY))
    return part


def training_set(layout: Layout, params: Params) -> TrainingSet:
    """The world's training set at the image size of `params`."""
    with redirect_stderr(StringIO()):
        return load_training_set(Layout(layout.root, params), params.backbones[0], CATEGORY)
