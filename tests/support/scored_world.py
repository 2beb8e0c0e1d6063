"""A small evaluated category whose dense correspondences are known in closed form, for the tests of the evaluation.

Every image shows the unit square of canonical points c through its own shear of the crop, c = (u - a sin(2 pi v), v),
in a box of its own place and size.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from pipeline.base.checksums import write_checksums
from pipeline.base.files import make_folder
from pipeline.config.cells import Cell
from pipeline.config.params import Params
from pipeline.config.workspace import Workspace
from pipeline.labels.components.pca import Pca, write_pca
from pipeline.labels.features import Tokens, write_tokens
from pipeline.photographs.crops import Crop, from_crop, square_crop
from pipeline.photographs.image_files import write_image
from pipeline.photographs.lists import pair_list, write_instances, write_pairs
from pipeline.photographs.records import Box, Instance, Pair
from pipeline.prediction.predictions import Prediction, Predictions, write_predictions
from pipeline.prediction.projection import Projection

CATEGORY, BACKBONE = "car", "dinov2"
CELL = Cell("ours", BACKBONE, CATEGORY, 0)
GRID, DIMS = 32, 24
SHEAR = {"a": 0.0, "b": 0.04, "c": -0.05}
BOXES = {"a": Box(20.0, 30.0, 180.0, 150.0), "b": Box(5.0, 12.0, 125.0, 200.0), "c": Box(60.0, 40.0, 160.0, 130.0)}
WIDTH, HEIGHT = 240, 220


def canonical(points: np.ndarray, shear: float) -> np.ndarray:
    """Crop coordinates to canonical points."""
    return np.stack([points[..., 0] - shear * np.sin(2 * np.pi * points[..., 1]), points[..., 1]], -1)


def seen(points: np.ndarray, shear: float) -> np.ndarray:
    """Canonical points to crop coordinates: the inverse of `canonical`."""
    return canonical(points, -shear)


def features(points: np.ndarray) -> np.ndarray:
    """Smooth random features of canonical points, float32."""
    rng = np.random.default_rng(5)
    waves, phases = rng.normal(0, 6, (2, DIMS)), rng.uniform(0, 2 * np.pi, DIMS)
    return np.cos(points @ waves + phases).astype(np.float32)


def token_grid(shear: float) -> np.ndarray:
    """Tokens of an image, [T, T, D]."""
    centres = (np.arange(GRID) + 0.5) / GRID
    u, v = np.meshgrid(centres, centres)
    return features(canonical(np.stack([u, v], -1), shear))


def vertices() -> np.ndarray:
    """A dense template over the part of the square that every image shows, canonical, [N, 2]."""
    side = np.linspace(0.08, 0.92, 60)
    return np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)


def crop_of(name: str, params: Params) -> Crop:
    return square_crop(BOXES[name], params.data.crop_margin)


def make_pair(source: str, target: str, params: Params, count: int = 8, seed: int = 0) -> Pair:
    """Keypoints in the pixels of both photographs."""
    points = np.random.default_rng(seed).uniform(0.2, 0.8, (count, 2))
    source_points, target_points = (
        from_crop(seen(points, SHEAR[name]), crop_of(name, params)) for name in (source, target)
    )
    ids = tuple(str(i) for i in range(count))
    return Pair(CATEGORY, source, target, ids, source_points, target_points, BOXES[source], BOXES[target], 0)


def make_projection(name: str, params: Params) -> Projection:
    points = from_crop(seen(vertices(), SHEAR[name]), crop_of(name, params))
    return Projection(torch.from_numpy(points).float(), torch.ones(len(points), dtype=torch.bool), torch.eye(3))


def write_world(
    root: Path, params: Params, pairs: list[Pair] | None = None, calibration: Sequence[Pair] = ()
) -> Workspace:
    """Everything that the evaluation reads, as the earlier stages write it.

    Args:
        pairs: the evaluated pairs; None for all.
        calibration: the pairs that confidence is learned from, of the same images.
    """
    workspace = Workspace(root, params)
    rng = np.random.default_rng(1)
    instances = []
    for name, box in BOXES.items():
        image = rng.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        write_image(root / f"photographs/{name}.png", image)
        tokens = token_grid(SHEAR[name])
        write_tokens(workspace.features(BACKBONE, CATEGORY) / f"{name}.npz", Tokens(tokens, None))
        path = f"photographs/{name}.png"
        instances.append(Instance(CATEGORY, name, "test", path, WIDTH, HEIGHT, box, False, False, False, None, None))
    write_instances(workspace.instances(CATEGORY), instances)
    pairs = [make_pair(s, t, params) for s in BOXES for t in BOXES] if pairs is None else pairs
    write_pairs(workspace.pairs(CATEGORY), pair_list(CATEGORY, "test", pairs))
    write_pairs(workspace.calibration_pairs(CATEGORY), pair_list(CATEGORY, "val", calibration))
    # No image has a mask.
    make_folder(workspace.masks(CATEGORY))
    for folder in (
        workspace.instances(CATEGORY).parent,
        workspace.features(BACKBONE, CATEGORY),
        workspace.masks(CATEGORY),
    ):
        write_checksums(folder)
    components = np.linalg.qr(rng.normal(size=(DIMS, 16)))[0].T.astype(np.float32)
    mean = features(vertices()).mean(0)
    low, high = -4 * np.ones(16, np.float32), 4 * np.ones(16, np.float32)
    write_pca(workspace.pca(BACKBONE, CATEGORY), Pca(mean, np.ascontiguousarray(components), low, high))
    vertex_features = ((features(vertices()) - mean) @ components.T - low) / (high - low)
    predictions = make_predictions(params, torch.from_numpy(vertex_features))
    write_predictions(workspace.predictions(CELL), predictions)
    return workspace


def make_predictions(params: Params, vertex_features: torch.Tensor) -> Predictions:
    """Predictions whose meshes all are the flat template; all silhouettes are the left half of the crop."""
    positions = torch.from_numpy(np.pad(vertices(), ((0, 0), (0, 1)))).float()
    side = round(len(positions) ** 0.5)
    index = torch.arange(side * side).reshape(side, side)
    corners = [index[:-1, :-1], index[1:, :-1], index[:-1, 1:], index[1:, 1:]]
    a, b, c, d = (corner.reshape(-1) for corner in corners)
    faces = torch.cat([torch.stack([a, b, c], 1), torch.stack([b, d, c], 1)])
    half = torch.zeros(64, 64, dtype=torch.bool)
    half[:, :32] = True
    images = {
        name: Prediction(
            make_projection(name, params),
            positions.clone(),
            positions.sigmoid(),
            half.clone(),
            torch.full((2,), torch.nan),
        )
        for name in BOXES
    }
    return Predictions(positions.clone(), faces, positions, vertex_features, images)
