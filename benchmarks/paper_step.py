"""Training step at the sizes of the profile `paper`, on synthetic images whose objects cover a typical area.

The benchmark runs on a GPU. On a CPU a step takes most of a minute, so that only `--quick` runs there, at toy sizes.
"""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import torch

from benchmarks.machine import gpu_obstacle
from benchmarks.parts import ROOT, Setting
from benchmarks.table import Table
from benchmarks.training_step import QUICK, measure_steps, on_device
from pipeline.config.params import VARIED, Params, load_params, vary
from pipeline.config.profiles import read_profile
from pipeline.photographs.cameras import object_rotation
from pipeline.training.dataset import TrainingSet

IMAGES, CHANNELS = 64, 384
"""Numbers of images and of feature channels of the synthetic training set. The channels are those of ViT-S."""


class MemoryRow(NamedTuple):
    """Peak GPU memory allocated by torch, in megabytes."""

    device: str
    gpu_mb: float


def measure_paper_step(setting: Setting) -> tuple[Table, ...]:
    """Measure both phases, with both precisions of matrix products that `training.matmul` offers."""
    obstacle = gpu_obstacle()
    if obstacle and not setting.quick:
        return (Table("Training step at the paper's sizes", (), (f"Not measured: {obstacle}",)),)
    params = paper_params(setting.quick)
    data = made_up_set(params, 8 if setting.quick else IMAGES, 16 if setting.quick else CHANNELS)
    steps, repeats = (5, 1) if setting.quick else (40, 3)
    rows, parts, memory = [], [], []
    for matmul in ("float32",) if obstacle else ("float32", "tf32"):
        device = "cpu" if obstacle else "cuda"
        training = dataclasses.replace(on_device(params, device).training, matmul=matmul)
        if not obstacle:
            torch.cuda.reset_peak_memory_stats()
        name = f"{device}, {matmul}"
        measured = measure_steps(name, dataclasses.replace(params, training=training), data, steps, repeats)
        rows += measured[0]
        parts += measured[1]
        if not obstacle:
            memory.append(MemoryRow(name, torch.cuda.max_memory_allocated() / 1e6))
    training = params.training
    note = (
        f"{len(data.names)} made-up images with {data.tokens.shape[-1]} channels, batch {training.batch}, pose batch "
        f"{training.pose_batch}, {training.image_size} pixels, grid {params.model.grid.resolution}."
    )
    return (
        Table("Training step at the paper's sizes", rows, (note,)),
        Table("Split of the step at the paper's sizes", parts),
        Table("GPU memory at the paper's sizes", memory),
    )


def paper_params(quick: bool = False) -> Params:
    """Shipped parameters with the model, loss and training of the profile `paper`, or with smaller sizes if `quick`."""
    profile = read_profile(ROOT / "profiles", "paper")
    overlay: dict[str, Any] = {name: profile[name] for name in VARIED if name in profile}
    params = vary(load_params(ROOT / "params.yaml"), overlay)
    return vary(params, QUICK) if quick else params


def made_up_set(params: Params, images: int, channels: int) -> TrainingSet:
    """Make a seeded random training set of upright ellipses that cover a third of the image, with random poses."""
    rng = np.random.default_rng(0)
    size, grid = params.training.image_size, params.features.grid
    y, x = np.mgrid[:size, :size] * (2 / size) - 1
    axes = rng.uniform(0.45, 0.83, (images, 2, 1, 1))
    mask = ((x / axes[:, 0]) ** 2 + (y / axes[:, 1]) ** 2 < 1).astype(np.float32)
    angles = rng.uniform([-180, -10, -5], [180, 30, 5], (images, 3))
    columns = (
        rng.normal(size=(images, 2, grid, grid, channels)).astype(np.float16),
        rng.random((images, 2, grid, grid, params.pca.dims), np.float32),
        rng.integers(0, 256, (images, size, size, 3), np.uint8),
        mask,
        np.ones_like(mask),
        2 * mask - 1,
        rng.random((images, size, size), np.float32),
        np.stack([object_rotation(*row) for row in angles]).astype(np.float32),
        np.ones(images, np.int64),
    )
    return TrainingSet(tuple(f"image_{i}" for i in range(images)), *map(torch.from_numpy, columns))
