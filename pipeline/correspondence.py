"""Correspondence through the shared template: visibility, nearest visible vertex and transfer (SEMAGIC Eq. 8-10)."""

from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from safetensors.torch import load, save
from torch import Tensor

from pipeline.errors import InputError
from pipeline.files import write_bytes


class Projection(NamedTuple):
    """The deformed template of one image; vertex i is the same point of the category in every image (Eq. 8)."""

    vertices: Float[Tensor, "N 2"]
    """Projected vertices in continuous pixels of the original image."""
    visible: Bool[Tensor, "N"]
    rotation: Float[Tensor, "3 3"]
    """From the object frame to the camera frame."""


class Predictions(NamedTuple):
    """What the evaluation needs to know of a trained category."""

    projections: dict[str, Projection]
    """By the name of the image."""
    positions: Float[Tensor, "N 3"]
    """The vertices on the template, in the object frame."""
    vertex_features: Float[Tensor, "N K"]
    """Feature field g at them, in [0, 1]; the search's reference 'field' and 'mean' need it."""


def visible_vertices(
    points: Float[Tensor, "N 2"], depth: Float[Tensor, "N"], depth_map: Float[Tensor, "S S"], tolerance: float
) -> Bool[Tensor, "N"]:
    """Z-buffer test (SEMAGIC Eq. 9): V_vis = {i : d_i <= D(pi(v_i)) + eps}; D is read at the nearest pixel.

    Args:
        points: projected vertices in crop coordinates; those outside [0, 1) are invisible.
        depth: positive camera depth d_i.
        depth_map: rendered depth D over the crop, row 0 at the top, infinite where there is no surface.
        tolerance: eps, in the unit of the depths.
    """
    size = depth_map.shape[0]
    inside = ((points >= 0) & (points < 1)).all(-1)
    column, row = (points.nan_to_num() * size).long().clamp(0, size - 1).unbind(-1)
    return inside & (depth <= depth_map[row, column] + tolerance)


def nearest_visible_vertex(query: Float[Tensor, "K 2"], source: Projection) -> Int64[Tensor, "K"]:
    """SEMAGIC Eq. 10: i*(x) = argmin over i in V_vis of || x - pi(v_i) ||.

    Ties go to the lower index. If nothing is visible all vertices are candidates, so that there is an answer.

    Args:
        query: points in the frame of `source.vertices`.
    """
    candidates = source.visible.nonzero()[:, 0]
    if len(candidates) == 0:
        candidates = torch.arange(len(source.visible))
    vertices = source.vertices[candidates].to(query.dtype)
    distance = torch.cdist(query, vertices, compute_mode="donot_use_mm_for_euclid_dist")
    return candidates[distance.argmin(-1)]


def transfer(query: Float[Tensor, "K 2"], source: Projection, target: Projection) -> Float[Tensor, "K 2"]:
    """Follow source points to the target (SEMAGIC Eq. 8): p0 = pi_B(v_i*), i* the nearest vertex visible in A.

    The target's visibility is not asked for, as in MagicPony's `transfer_keypoints`.

    Args:
        query: points in the frame of `source.vertices`.

    Returns:
        Points in the frame of `target.vertices`.
    """
    return target.vertices[nearest_visible_vertex(query, source)]


def write_projections(path: Path, predictions: Predictions) -> None:
    """Write a category's predictions as safetensors; equal content gives equal bytes."""
    projections = predictions.projections.items()
    tensors = {f"{name}/{field}": value for name, p in projections for field, value in p._asdict().items()}
    tensors |= {"positions": predictions.positions, "vertex_features": predictions.vertex_features}
    write_bytes(path, save({key: tensors[key].detach().contiguous() for key in sorted(tensors)}))


def read_projections(path: Path) -> Predictions:
    """Read what `write_projections` wrote.

    Raises:
        InputError: there is no such file.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected the projected meshes of the category, found none. Run the stage `predict`.")
    tensors = load(path.read_bytes())
    positions, vertex_features = tensors.pop("positions"), tensors.pop("vertex_features")
    names = sorted({key.rsplit("/", 1)[0] for key in tensors})
    projections = {name: Projection(*(tensors[f"{name}/{field}"] for field in Projection._fields)) for name in names}
    return Predictions(projections, positions, vertex_features)
