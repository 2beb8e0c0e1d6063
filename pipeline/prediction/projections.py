"""The projected template of each image: its visible vertices (SEMAGIC Eq. 9), and the file of a category."""

from pathlib import Path
from typing import NamedTuple

from jaxtyping import Bool, Float
from safetensors.torch import load, save
from torch import Tensor

from pipeline.base.errors import InputError
from pipeline.base.files import write_bytes


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
