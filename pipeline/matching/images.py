"""What the matching methods need of one image, prepared once however many pairs the image is in."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pipeline.base.errors import InputError
from pipeline.config.workspace import Workspace
from pipeline.labels.features import read_tokens
from pipeline.labels.features.pca import Pca
from pipeline.photographs.crops import Crop, sample_crop, square_crop, to_crop
from pipeline.photographs.images import read_mask
from pipeline.photographs.records import Instance
from pipeline.prediction.projections import Predictions, Projection


class EvaluatedImage(NamedTuple):
    """One image; points and maps are in its crop coordinates.

    What is calculated with is in double precision, so that the order in which sums are taken decides no answer: results
    do not depend on how queries are batched.
    """

    crop: Crop
    region: Float[Tensor, "2 2"]
    """Lowest and highest (u, v) of the crop that are inside the photograph."""
    allowed: Bool[Tensor, "S S"]
    """Where a nearest neighbour may lie."""
    tokens: Float[Tensor, "T T D"]
    """As they were read."""
    components: Float[Tensor, "T T K"] | None
    """Principal components of the tokens; None where there is no PCA."""
    projection: Projection | None
    """The mesh, its vertices in crop coordinates."""
    vertex_features: Float[Tensor, "N K"] | None
    """Feature field at the template's vertices, as principal components; the same for all images."""


def prepare_image(
    workspace: Workspace, backbone: str, instance: Instance, pca: Pca | None, predictions: Predictions | None
) -> EvaluatedImage:
    """Read one image's features, and its prediction where `predictions` are given.

    Raises:
        InputError: an earlier stage has skipped this image.
    """
    params = workspace.params
    crop = square_crop(instance.box, params.data.crop_margin)
    corners = to_crop(np.array([[0.0, 0.0], [instance.width, instance.height]]), crop)
    region = torch.from_numpy(corners.clip(0, 1))
    allowed = _inside(region, params.evaluation.map_size)
    if params.evaluation.within_mask:
        mask = read_mask(workspace.mask(instance)).astype(np.uint8)
        inside = sample_crop(mask, crop, params.evaluation.map_size, smooth=False) > 0
        # An empty mask says nothing of where the object is.
        allowed = allowed & torch.from_numpy(inside) if inside.any() else allowed
    tokens = read_tokens(workspace.tokens(backbone, instance)).tokens
    return EvaluatedImage(
        crop,
        region,
        allowed,
        torch.from_numpy(tokens),
        pca and torch.from_numpy(pca.project(tokens)).double(),
        predictions and _projection(instance, predictions, crop),
        predictions and _vertex_features(predictions, pca),
    )


def _inside(region: Float[Tensor, "2 2"], size: int) -> Bool[Tensor, "S S"]:
    centres = (torch.arange(size, dtype=torch.float64) + 0.5) / size
    u, v = ((centres >= region[0, :, None]) & (centres <= region[1, :, None])).unbind()
    return v[:, None] & u


def _projection(instance: Instance, predictions: Predictions, crop: Crop) -> Projection:
    projection = predictions.projections.get(instance.name)
    if projection is None:
        raise InputError(f"There is no prediction for the image '{instance.name}'. Run the stage `predict`.")
    vertices = to_crop(projection.vertices.double().numpy(), crop)
    return projection._replace(vertices=torch.from_numpy(vertices))


def _vertex_features(predictions: Predictions, pca: Pca | None) -> Float[Tensor, "N K"] | None:
    """From [0, 1], in which g is trained, back to components."""
    if pca is None:
        return None
    low, high = torch.from_numpy(pca.low), torch.from_numpy(pca.high)
    return (low + (high - low) * predictions.vertex_features).double()
