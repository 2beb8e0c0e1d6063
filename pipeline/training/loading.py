"""Loading of a category's labelled training images into a `TrainingSet`."""

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float32
from scipy.ndimage import binary_fill_holes
from tqdm import tqdm

from pipeline.base.checksums import is_listed
from pipeline.base.errors import InputError
from pipeline.config.workspace import Workspace
from pipeline.labels.components.pca import Pca, read_pca
from pipeline.labels.depth import read_depth
from pipeline.labels.features import read_tokens
from pipeline.labels.masks import read_mask_label
from pipeline.labels.poses import read_pose
from pipeline.photographs.cameras import object_rotation
from pipeline.photographs.crops import Crop, sample_crop, square_crop
from pipeline.photographs.image_files import read_image
from pipeline.photographs.records import Instance
from pipeline.training.dataset import TrainingSet

VALID_MARGIN = 0.02
"""Width of the border of a photograph where the silhouette is not compared, as a share of its sides (MagicPony)."""


def load_training_set(workspace: Workspace, backbone: str, category: str) -> TrainingSet:
    """Read every training instance that has all its labels.

    Raises:
        InputError: no instance has all of mask, depth, pose and features.
    """
    instances = workspace.training_instances(category)
    pca = read_pca(workspace.pca(backbone, category))
    names: list[str] = []
    columns: list[np.ndarray] = []
    for instance in tqdm(instances, desc=f"{category}: loading", unit="image"):
        if not _labelled(workspace, backbone, instance):
            continue
        row = _load(workspace, backbone, instance, pca)
        # Filled row by row: lists that are stacked in the end take twice the memory, 31 GB for the paper's cars.
        columns = columns or [np.empty((len(instances), *value.shape), value.dtype) for value in row]
        for column, value in zip(columns, row, strict=True):
            column[len(names)] = value
        names.append(instance.name)
    if not names:
        raise InputError(
            f"{workspace.instances(category)}: none of its {len(instances)} training instances has a mask, a depth "
            "map, a pose and features. See summary.json of each label stage for what was skipped and why."
        )
    return TrainingSet(tuple(names), *(torch.from_numpy(column[: len(names)]) for column in columns))


def _labelled(workspace: Workspace, backbone: str, instance: Instance) -> bool:
    files = (
        workspace.mask(instance),
        workspace.disparity(instance),
        workspace.pose(instance),
        workspace.tokens(backbone, instance),
    )
    return all(map(is_listed, files))


def _load(workspace: Workspace, backbone: str, instance: Instance, pca: Pca) -> tuple[np.ndarray, ...]:
    """Load one instance, as the columns of `TrainingSet` after the names."""
    training = workspace.params.training
    size = training.image_size
    crop = square_crop(instance.box, workspace.params.data.crop_margin)
    tokens, flipped = read_tokens(workspace.tokens(backbone, instance))
    if flipped is None:
        raise InputError(
            f"{workspace.tokens(backbone, instance)}: expected features of the mirrored crop too, found none. "
            "Run the stage `features` again."
        )
    rgb = sample_crop(read_image(workspace.photograph(instance)), crop, size)
    mask = crop_mask(read_mask_label(workspace.mask(instance)), crop, size, training.fill_holes)
    depth = read_depth(workspace.disparity(instance), instance.height, instance.width)
    disparity = sample_crop(depth, crop, size)
    label = read_pose(workspace.pose(instance))
    rotation = object_rotation(label.azimuth, label.elevation, label.theta).astype(np.float32)
    inside = sample_crop(_inside(instance), crop, size, smooth=False)
    tokens = np.stack([tokens, flipped])
    return (
        # The tokens keep their precision on disk, because they take most of the memory of a training.
        tokens.astype(np.float16),
        pca.to_unit(pca.project(tokens)),
        rgb,
        mask,
        inside,
        border_distance(mask > 0.5),
        disparity,
        rotation,
        np.array(label.symmetry, np.int64),
    )


def crop_mask(label: Bool[np.ndarray, "H W"], crop: Crop, size: int, fill_holes: bool) -> Float32[np.ndarray, "S S"]:
    """Share of each pixel of the crop that a mask covers.

    Args:
        fill_holes: whether background that the object encloses counts as covered.
    """
    if not fill_holes:
        return sample_crop(label.astype(np.float32), crop, size)
    mask = sample_crop(binary_fill_holes(label).astype(np.float32), crop, size)
    # A hole whose border has a gap narrower than a pixel of the crop is closed there.
    covered = mask > 0.5
    mask[binary_fill_holes(covered) & ~covered] = 1
    return mask


def border_distance(mask: Bool[np.ndarray, "S S"]) -> Float32[np.ndarray, "S S"]:
    """Signed distance to the mask's border in pixels, positive inside."""
    inside, outside = (cv2.distanceTransform(side.astype(np.uint8), cv2.DIST_L2, 5) for side in (mask, ~mask))
    return inside - outside


def _inside(instance: Instance) -> np.ndarray:
    inside = np.zeros((instance.height, instance.width), np.float32)
    y, x = int(VALID_MARGIN * instance.height), int(VALID_MARGIN * instance.width)
    inside[y : instance.height - y, x : instance.width - x] = 1
    return inside
