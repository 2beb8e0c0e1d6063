"""Small parameters and a small synthetic training set for tests."""

from typing import TYPE_CHECKING

import cv2
import numpy as np

from pipeline.base.yaml_text import parse_yaml
from pipeline.config.params import Params, parse_params
from support.paths import ROOT

if TYPE_CHECKING:
    from pipeline.training.dataset import TrainingSet

TINY = {
    "model.grid.resolution": 6,
    "model.sdf.layers": 2,
    "model.sdf.width": 16,
    "model.field.layers": 2,
    "model.field.width": 16,
    "model.deformation.layers": 3,
    "model.deformation.width": 16,
    "model.deformation.code_dims": 8,
    "model.texture.layers": 2,
    "model.texture.width": 16,
    "model.encoder.width": 16,
    "model.encoder.dims": 16,
    "features.grid": 8,
    "pca.dims": 4,
    "training.steps": 8,
    "training.batch": 2,
    "training.pose_batch": 3,
    "training.outline_batch": 3,
    "training.image_size": 24,
    "training.checkpoint_every": 3,
    "training.log_every": 2,
    "training.deform_from": 0.5,
    "correspondence.map_size": 64,
}


def tiny_params(**overrides) -> Params:
    """The shipped parameters at toy size; keyword `a__b=c` sets a.b."""
    content = parse_yaml((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for key, value in {**TINY, **{k.replace("__", "."): v for k, v in overrides.items()}}.items():
        section = content
        *path, last = key.split(".")
        for name in path:
            section = section[name]
        assert last in section, key
        section[last] = value
    return parse_params(content)


def tiny_set(params: Params, count: int = 5, seed: int = 0) -> "TrainingSet":
    """Random blobs with random features, colours, poses and disparities."""
    # Parameters alone need no torch, which takes seconds to load.
    import torch

    from pipeline.photographs.cameras import object_rotation
    from pipeline.training.dataset import TrainingSet
    from pipeline.training.loading import border_distance

    rng = np.random.default_rng(seed)
    size, grid, dims = params.training.image_size, params.features.grid, 6
    mask = np.zeros((count, size, size), np.float32)
    for image in mask:
        axes = rng.uniform(0.2, 0.42, 2) * size
        cv2.ellipse(image, (size // 2, size // 2), [int(a) for a in axes], 0, 0, 360, 1.0, -1)
    distance = np.stack([border_distance(m > 0.5) for m in mask])
    tokens = rng.normal(size=(count, grid, grid, dims)).astype(np.float32)
    targets = rng.random((count, grid, grid, params.pca.dims)).astype(np.float32)
    angles = rng.uniform([-180, -10, -5], [180, 30, 5], (count, 3))
    rotation = np.stack([object_rotation(*row) for row in angles]).astype(np.float32)
    return TrainingSet(
        tuple(f"image_{i}" for i in range(count)),
        torch.from_numpy(np.stack([tokens, tokens[:, :, ::-1]], 1)),
        torch.from_numpy(np.stack([targets, targets[:, :, ::-1]], 1)),
        torch.from_numpy(rng.integers(0, 256, (count, size, size, 3), dtype=np.uint8)),
        torch.from_numpy(mask),
        torch.ones(count, size, size),
        torch.from_numpy(distance),
        torch.from_numpy(rng.normal(size=(count, size, size)).astype(np.float32)),
        torch.from_numpy(rotation),
        torch.ones(count, dtype=torch.int64),
    )
