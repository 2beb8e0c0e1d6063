"""The predictions of a category's images, and their file."""

from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from safetensors.torch import load, save
from torch import Tensor

from pipeline.base.checksums import checked, write_checksums
from pipeline.base.contents import parsing
from pipeline.base.errors import InputError
from pipeline.base.files import write_bytes
from pipeline.prediction.projection import Projection

FILE = "predictions.safetensors"
"""Name of the file in a cell's folder of predictions."""


class Prediction(NamedTuple):
    """The mesh that a model predicts for one image."""

    projection: Projection
    """Projection of the deformed mesh after its subdivision."""
    deformed: Float[Tensor, "N 3"]
    """Vertices of the deformed template, not subdivided, in the object frame."""
    albedo: Float[Tensor, "N 3"]
    """Colours of these vertices in [0, 1], before any light."""
    silhouette: Bool[Tensor, "S S"]
    """Pixels of the crop that the posed mesh covers, row 0 at the top."""
    pose_score: Float[Tensor, "2"]
    """Energy of the refined pose, and how much worse the best pose 30 degrees away is (`PoseRefiner`); NaN where poses
    are not refined."""


class Predictions(NamedTuple):
    """The predictions of a trained model for the images of its category, and what all of them share."""

    template: Float[Tensor, "N 3"]
    """Vertices of the template in the object frame."""
    faces: Int[Tensor, "F 3"]
    """Faces of the template, and of each deformed mesh."""
    positions: Float[Tensor, "M 3"]
    """Vertices of the subdivided template in the object frame; each projection has as many."""
    vertex_features: Float[Tensor, "M K"]
    """Feature field g at `positions`, in [0, 1]."""
    images: dict[str, Prediction]
    """Predictions by the name of the image; projections are in pixels of the original images."""


def write_predictions(folder: Path, predictions: Predictions) -> None:
    """Write a category's predictions as safetensors, and their checksums; equal content gives equal bytes."""
    tensors = {
        "template": predictions.template,
        "faces": predictions.faces.int(),
        "positions": predictions.positions,
        "vertex_features": predictions.vertex_features,
    }
    for name, prediction in predictions.images.items():
        fields = prediction._asdict()
        fields |= fields.pop("projection")._asdict()
        tensors |= {f"{name}/{field}": value for field, value in fields.items()}
    # Copies, as safetensors refuses tensors that share memory: without subdivision `positions` is the template.
    copies = {key: tensors[key].detach().clone(memory_format=torch.contiguous_format) for key in sorted(tensors)}
    write_bytes(folder / FILE, save(copies))
    write_checksums(folder)


def read_predictions(folder: Path) -> Predictions:
    """Read the file that `write_predictions` wrote.

    Raises:
        InputError: there is no such file, or it is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        raise InputError(f"{path}: expected the predictions of the category, found none. Run the stage `predict`.")
    with parsing(checked(path), "the predictions of a category"):
        predictions = _from_tensors(load(path.read_bytes()))
        _check(predictions)
        return predictions


def _from_tensors(tensors: dict[str, Tensor]) -> Predictions:
    shared = {name: tensors.pop(name) for name in Predictions._fields[:-1]}

    def prediction(name: str) -> Prediction:
        projection = Projection(*(tensors[f"{name}/{field}"] for field in Projection._fields))
        return Prediction(projection, *(tensors[f"{name}/{field}"] for field in Prediction._fields[1:]))

    names = sorted({key.rsplit("/", 1)[0] for key in tensors})
    return Predictions(**shared, images={name: prediction(name) for name in names})


def _check(predictions: Predictions) -> None:
    """Check that the parts fit together.

    Raises:
        ValueError: they do not.
    """
    template, faces, positions, features, images = predictions
    count, points = len(template), len(positions)
    shapes: dict[str, tuple[Tensor, tuple[int, ...]]] = {
        "template": (template, (count, 3)),
        "positions": (positions, (points, 3)),
        "faces": (faces, (len(faces), 3)),
    }
    shapes["vertex_features"] = features, (points, *features.shape[1:])
    for name, (projection, deformed, albedo, silhouette, pose_score) in images.items():
        shapes[f"{name}/vertices"] = projection.vertices, (points, 2)
        shapes[f"{name}/visible"] = projection.visible, (points,)
        shapes[f"{name}/rotation"] = projection.rotation, (3, 3)
        shapes[f"{name}/deformed"] = deformed, (count, 3)
        shapes[f"{name}/albedo"] = albedo, (count, 3)
        shapes[f"{name}/silhouette"] = silhouette, (len(silhouette), len(silhouette))
        shapes[f"{name}/pose_score"] = pose_score, (2,)
    for name, (tensor, shape) in shapes.items():
        if tensor.shape != shape:
            raise ValueError(f"{name} has the shape {list(tensor.shape)} instead of {list(shape)}")
    if faces.numel() and not 0 <= int(faces.min()) <= int(faces.max()) < count:
        raise ValueError(f"a face names a vertex outside 0 to {count - 1}")
