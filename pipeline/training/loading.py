"""Reading a category's labelled training images into a `TrainingSet`."""

import cv2
import numpy as np
import torch
from tqdm import tqdm

from pipeline.cameras import object_rotation
from pipeline.crops import sample_crop, square_crop
from pipeline.data.instances import read_instances
from pipeline.errors import InputError
from pipeline.images import read_image, read_mask
from pipeline.labels.depth import read_depth
from pipeline.labels.features import read_tokens
from pipeline.labels.poses import read_pose
from pipeline.layout import Layout
from pipeline.pca import Pca, read_pca
from pipeline.records import Instance
from pipeline.training.dataset import TrainingSet

VALID_MARGIN = 0.02
"""Share of the photograph's sides along its edge where the silhouette is not compared (MagicPony)."""


def load_training_set(layout: Layout, backbone: str, category: str) -> TrainingSet:
    """Read every training instance that has all its labels.

    Raises:
        InputError: no instance has all of mask, depth, pose and features.
    """
    instances = [i for i in read_instances(layout.instances(category)) if i.split == "train"]
    pca = read_pca(layout.pca(backbone, category))
    rows = []
    for instance in tqdm(instances, desc=f"{category}: loading", unit="image"):
        if _labelled(layout, backbone, instance):
            rows.append((instance.name, *_load(layout, backbone, instance, pca)))
    if not rows:
        raise InputError(
            f"{layout.instances(category)}: none of its {len(instances)} training instances has a mask, a depth map, "
            "a pose and features. See summary.json of each label stage for what was skipped and why."
        )
    names, *columns = zip(*rows, strict=True)
    tensors = [torch.from_numpy(np.stack(column)) for column in columns]
    return TrainingSet(names, *tensors)


def _labelled(layout: Layout, backbone: str, instance: Instance) -> bool:
    category, name = instance.category, instance.name
    files = (
        layout.masks(category) / f"{name}.png",
        layout.depth(category) / f"{name}.npy",
        layout.poses(category) / f"{name}.json",
        layout.features(backbone, category) / f"{name}.npz",
    )
    return all(path.is_file() for path in files)


def _load(layout: Layout, backbone: str, instance: Instance, pca: Pca) -> tuple[np.ndarray, ...]:
    """Columns of `TrainingSet` after the names, for one instance."""
    category, size = instance.category, layout.params.training.image_size
    crop = square_crop(instance.box, layout.params.data.crop_margin)
    tokens, flipped = read_tokens(layout.features(backbone, category) / f"{instance.name}.npz")
    rgb = sample_crop(read_image(layout.root / instance.image), crop, size)
    mask = sample_crop(read_mask(layout.masks(category) / f"{instance.name}.png").astype(np.float32), crop, size)
    depth = read_depth(layout.depth(category) / f"{instance.name}.npy", instance.height, instance.width)
    disparity = sample_crop(depth, crop, size)
    label = read_pose(layout.poses(category) / f"{instance.name}.json")
    rotation = object_rotation(label.azimuth, label.elevation, label.theta).astype(np.float32)
    inside = sample_crop(_inside(instance), crop, size, smooth=False)
    distance = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    tokens = np.stack([tokens, flipped])
    return (
        # As they are on disk; the largest part of what training keeps in memory.
        tokens.astype(np.float16),
        pca.to_unit(pca.project(tokens)),
        rgb,
        mask,
        inside,
        distance,
        disparity,
        rotation,
        np.int64(label.symmetry),
    )


def _inside(instance: Instance) -> np.ndarray:
    inside = np.zeros((instance.height, instance.width), np.float32)
    y, x = int(VALID_MARGIN * instance.height), int(VALID_MARGIN * instance.width)
    inside[y : instance.height - y, x : instance.width - x] = 1
    return inside
