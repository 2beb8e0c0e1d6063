"""What a page draws of a trained cell's meshes: the template, and one instance for each photograph."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from pipeline.gallery.answers import Answers
from pipeline.gallery.packing import pack_range, pack_whole
from pipeline.gallery.points import Points
from pipeline.matching.transfer import nearest_visible_vertex
from pipeline.photographs.crops import Crop
from pipeline.prediction.predictions import Predictions
from pipeline.prediction.projection import Projection

REACH = 0.06
"""How far an error is felt on the template, as the standard deviation of a Gaussian [diagonals of the template]."""
LEAST = 0.1
"""Weight of errors near a vertex below which nothing is said about it."""


def template_projection(predictions: Predictions, name: str, crop: Crop) -> Projection:
    """The vertices of the template, without those of its subdivision, in crop coordinates of one image."""
    count = len(predictions.template)
    projection = predictions.images[name].projection.to_crop(crop)
    return projection._replace(vertices=projection.vertices[:count], visible=projection.visible[:count])


def pack_meshes(
    predictions: Predictions, names: Sequence[str], projections: Sequence[Projection], errors: Float[np.ndarray, "N"]
) -> dict[str, Any]:
    """The template and the instances of these images, for the page.

    Args:
        projections: of the template into each image, in crop coordinates.
        errors: of each vertex, in object sizes; NaN where it is not known.
    """
    images = [predictions.images[name] for name in names]
    deformed = torch.stack([image.deformed for image in images]).numpy()
    template = predictions.template.numpy()
    reach = float(max(np.abs(deformed).max(), np.abs(template).max()))
    return {
        "template": pack_range(template, -reach, reach),
        "faces": pack_whole(predictions.faces.numpy()),
        "features": pack_range(_first_three(predictions.vertex_features[: len(template)].numpy()), 0, 1, bits=8),
        "errors": pack_range(errors, 0, 1, bits=8),
        "deformed": pack_range(deformed, -reach, reach),
        "albedo": pack_range(torch.stack([image.albedo for image in images]).numpy(), 0, 1, bits=8),
        "projected": pack_range(torch.stack([one.vertices for one in projections]).numpy(), -0.5, 1.5),
        "visible": pack_whole(torch.stack([one.visible for one in projections]).numpy()),
        "rotation": pack_range(torch.stack([one.rotation for one in projections]).numpy(), -1, 1),
    }


def vertex_errors(
    predictions: Predictions,
    points: Sequence[Points],
    projections: Sequence[Projection],
    answers: Answers,
    size: float,
) -> Float[np.ndarray, "N"]:
    """How far matches of keypoints are off on average, spread from the keypoints over the template near them.

    Args:
        projections: of the template into each image, in crop coordinates.
        size: longer side of an object's box, in sides of its crop.

    Returns:
        Errors as shares of the longer side of the box; NaN where there is no keypoint near.
    """
    places = [dict(zip(one.keypoints, one.places, strict=False)) for one in points]
    vertices, errors, row = [], [], 0
    for image, one in enumerate(points):
        if one.keypoints:
            own = torch.from_numpy(one.places[: len(one.keypoints)])
            nearest = nearest_visible_vertex(own, projections[image]).tolist()
            for offset, (name, vertex) in enumerate(zip(one.keypoints, nearest, strict=True)):
                for other, found in enumerate(answers.places[row + offset]):
                    if other != image and name in places[other]:
                        errors.append(float(np.linalg.norm(found - places[other][name])) / size)
                        vertices.append(vertex)
        row += len(one.places)
    template = predictions.template.double().numpy()
    if not errors:
        return np.full(len(template), np.nan)
    diagonal = np.linalg.norm(template.max(0) - template.min(0))
    apart = np.square(template[:, None] - template[np.unique(vertices)]).sum(-1) / (REACH * diagonal) ** 2
    means = np.array([np.mean(np.array(errors)[np.array(vertices) == vertex]) for vertex in np.unique(vertices)])
    weights = np.exp(-apart / 2)
    total = weights.sum(1)
    return np.where(total < LEAST, np.nan, weights @ means / np.maximum(total, LEAST))


def _first_three(features: Float[np.ndarray, "N K"]) -> Float[np.ndarray, "N 3"]:
    """The first three channels as a colour, each stretched over the vertices; missing ones are grey."""
    chosen = features[:, :3].astype(np.float64)
    low, high = chosen.min(0), chosen.max(0)
    chosen = (chosen - low) / np.maximum(high - low, 1e-9)
    return np.pad(chosen, ((0, 0), (0, 3 - chosen.shape[1])), constant_values=0.5)
