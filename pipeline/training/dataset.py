"""Training images of a category with their labels, as tensors in memory."""

import hashlib
from dataclasses import dataclass, fields
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64, Shaped, UInt8
from torch import Tensor
from torch.nn import functional

from pipeline.hardware.transfers import constant, send
from pipeline.model.encoder import average_squares


class Batch(NamedTuple):
    """Crops of B objects and their labels. Images have S x S pixels, with row 0 at the top."""

    names: tuple[str, ...]
    tokens: Float[Tensor, "B T T D"]
    rgb: Float[Tensor, "B S S 3"]
    mask: Float[Tensor, "B S S"]
    valid: Float[Tensor, "B S S"]
    """Validity of each pixel: 1 inside the photograph and away from its edges, otherwise 0."""
    distance: Float[Tensor, "B S S"]
    """Signed distance to the mask's border in pixels, positive inside."""
    disparity: Float[Tensor, "B S S"]
    features: Float[Tensor, "B S S K"]
    """PCA features scaled to [0, 1]."""
    rotation: Float[Tensor, "B 3 3"]
    """Pose label, a rotation from the object frame to the camera frame."""
    fold: Int64[Tensor, "B"]
    """Rotational symmetry of the pose label."""


class PoseBatch(NamedTuple):
    """Crops of B objects and their pose labels."""

    tokens: Float[Tensor, "B G G D"]
    """Means over squares of tokens, as the pose head takes them."""
    foreground: Bool[Tensor, "B G G"]
    """True for squares that the object touches."""
    rotation: Float[Tensor, "B 3 3"]
    fold: Int64[Tensor, "B"]


class OutlineBatch(NamedTuple):
    """Crops of B objects, their masks' outlines, and their pose labels."""

    tokens: Float[Tensor, "B T T D"]
    distance: Float[Tensor, "B S S"]
    """Signed distance to the mask's border in pixels, positive inside."""
    rotation: Float[Tensor, "B 3 3"]


@dataclass(frozen=True)
class TrainingSet:
    """Training set of N crops, on one device."""

    names: tuple[str, ...]
    tokens: Float[Tensor, "N 2 T T D"]
    """Tokens of each crop and of its mirror image, in any floating-point precision. Batches are float32."""
    targets: Float[Tensor, "N 2 T T K"]
    """PCA features of the tokens, scaled to [0, 1]."""
    rgb: UInt8[Tensor, "N S S 3"]
    mask: Float[Tensor, "N S S"]
    valid: Float[Tensor, "N S S"]
    distance: Float[Tensor, "N S S"]
    """Signed distance to the mask's border in pixels, positive inside."""
    disparity: Float[Tensor, "N S S"]
    rotation: Float[Tensor, "N 3 3"]
    fold: Int64[Tensor, "N"]

    def to(self, device: torch.device | str) -> "TrainingSet":
        """Copy the set to another device."""
        return TrainingSet(self.names, *(column.to(device) for column in self._columns()))

    def select(self, index: Int64[np.ndarray, "M"]) -> "TrainingSet":
        """Make the set of the M images at `index`."""
        rows = torch.from_numpy(index)
        names = tuple(self.names[i] for i in index)
        return TrainingSet(names, *(column[rows.to(column.device)] for column in self._columns()))

    @cached_property
    def sha256(self) -> str:
        """Hash of all tensors. It is cached, because it takes seconds for a large set."""
        digest = hashlib.sha256()
        for column in self._columns():
            digest.update(column.cpu().flatten().numpy().data)
        return digest.hexdigest()

    def batch(self, index: np.ndarray, flips: np.ndarray) -> Batch:
        """Make a batch of the images at `index`. Images marked in `flips` are mirrored with all their labels."""
        rows, mirrored = self._on_device(index, flips)

        def pixels(images: Tensor) -> Tensor:
            return _pixels(images, rows, mirrored)

        return Batch(
            tuple(self.names[i] for i in index),
            self._tokens(rows, mirrored),
            pixels(self.rgb) / 255,
            pixels(self.mask),
            pixels(self.valid),
            pixels(self.distance),
            pixels(self.disparity),
            resample(_versions(self.targets, rows, mirrored), self.mask.shape[-1]),
            self._rotation(rows, mirrored),
            self.fold[rows],
        )

    def pose_batch(self, index: np.ndarray, flips: np.ndarray, pool: int) -> PoseBatch:
        """Make a batch of the images at `index` for the pose head. Images marked in `flips` are mirrored.

        Args:
            pool: side of the squares of tokens whose means are taken.
        """
        rows, mirrored = self._on_device(index, flips)
        tokens = average_squares(self._tokens(rows, mirrored), pool)
        foreground = functional.adaptive_max_pool2d(self.mask[rows], tokens.shape[1]) > 0
        foreground = torch.where(mirrored[:, None, None], foreground.flip(2), foreground)
        return PoseBatch(tokens, foreground, self._rotation(rows, mirrored), self.fold[rows])

    def outline_batch(self, index: np.ndarray, flips: np.ndarray) -> OutlineBatch:
        """Make a batch of the images at `index` for the outline term. Images marked in `flips` are mirrored."""
        rows, mirrored = self._on_device(index, flips)
        distance = _pixels(self.distance, rows, mirrored)
        return OutlineBatch(self._tokens(rows, mirrored), distance, self._rotation(rows, mirrored))

    def _columns(self) -> list[Tensor]:
        return [getattr(self, field.name) for field in fields(self)[1:]]

    def _on_device(self, *arrays: np.ndarray) -> tuple[Tensor, ...]:
        return tuple(send(torch.from_numpy(array), self.rotation.device) for array in arrays)

    def _tokens(self, rows: Int64[Tensor, "B"], mirrored: Bool[Tensor, "B"]) -> Float[Tensor, "B T T D"]:
        return _versions(self.tokens, rows, mirrored).float()

    def _rotation(self, rows: Int64[Tensor, "B"], mirrored: Bool[Tensor, "B"]) -> Float[Tensor, "B 3 3"]:
        """Pose labels at `rows`. The label R of a mirror image becomes diag(-1, 1, 1) R diag(-1, 1, 1)."""
        rotation = self.rotation[rows]
        sign = constant((-1.0, 1.0, 1.0), rotation)
        return torch.where(mirrored[:, None, None], sign[:, None] * rotation * sign, rotation)


def _versions(
    maps: Float[Tensor, "N 2 T T C"], rows: Int64[Tensor, "B"], mirrored: Bool[Tensor, "B"]
) -> Float[Tensor, "B T T C"]:
    """Select maps of the crops at `rows`, or of their mirror images, in half the time of `maps[rows, version]`."""
    return maps.flatten(0, 1).index_select(0, 2 * rows + mirrored)


def _pixels(
    images: Shaped[Tensor, "N S S *C"], rows: Int64[Tensor, "B"], mirrored: Bool[Tensor, "B"]
) -> Float[Tensor, "B S S *C"]:
    """Select the images at `rows`, or their mirror images."""
    images = images.index_select(0, rows).float()
    return torch.where(mirrored.reshape(-1, *[1] * (images.ndim - 1)), images.flip(2), images)


def resample(maps: Float[Tensor, "B T T K"], size: int) -> Float[Tensor, "B S S K"]:
    """Resample maps of patches bilinearly to S x S pixels."""
    images = functional.interpolate(maps.permute(0, 3, 1, 2), (size, size), mode="bilinear", align_corners=False)
    return images.permute(0, 2, 3, 1)
