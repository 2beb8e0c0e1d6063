"""The inputs of the matching methods from one image, prepared once however many pairs the image is in."""

from typing import NamedTuple, TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Float64
from torch import Tensor

from pipeline.base.errors import InputError
from pipeline.config.workspace import Workspace
from pipeline.labels.components.pca import Pca
from pipeline.labels.features import read_tokens
from pipeline.labels.masks import read_mask_label
from pipeline.photographs.crops import Crop, sample_crop, square_crop, to_crop
from pipeline.photographs.records import Instance
from pipeline.prediction.predictions import Prediction, Predictions
from pipeline.prediction.projection import Projection

Input = TypeVar("Input")


class EvaluatedImage(NamedTuple):
    """One image; points and maps are in its crop coordinates.

    Everything that is calculated with is in double precision, so that the order in which sums are taken decides no
    answer: results do not depend on how queries are batched.
    """

    crop: Crop
    region: Float[Tensor, "2 2"]
    """Lowest and highest (u, v) of the crop that are inside the photograph."""
    allowed: Bool[Tensor, "S S"]
    """Pixels of the crop in which a nearest neighbour may lie."""
    tokens: Float[Tensor, "T T D"]
    """Patch features in the precision in which they were read."""
    components: Float[Tensor, "T T K"] | None
    """Principal components of the tokens; None where there is no PCA."""
    projection: Projection | None
    """Projected mesh with its vertices in crop coordinates. None where there are no predictions."""
    pose_score: Float[Tensor, "2"]
    """Energy and margin of a refined pose (`Prediction.pose_score`), or NaN."""
    vertex_features: Float[Tensor, "N K"] | None
    """Feature field at the template's vertices, as principal components; the same for all images."""
    vertex_positions: Float[Tensor, "N 3"] | None
    """The template's vertices in the object frame; the same for all images."""


def required(value: Input | None, name: str) -> Input:
    """An input of an image that a method cannot do without.

    Raises:
        ValueError: the image was prepared without it.
    """
    if value is None:
        raise ValueError(f"This method needs the {name} of each image; an image was prepared without.")
    return value


def prepare_image(
    workspace: Workspace, backbone: str, instance: Instance, pca: Pca | None, predictions: Predictions | None
) -> EvaluatedImage:
    """Read one image's features, and its prediction where `predictions` are given.

    Raises:
        InputError: an earlier stage has skipped this image.
    """
    params = workspace.params
    crop = square_crop(instance.box, params.data.crop_margin)
    tokens = read_tokens(workspace.tokens(backbone, instance)).tokens
    image = describe_image(crop, instance.width, instance.height, tokens, params.evaluation.map_size)
    if params.evaluation.within_mask:
        mask = read_mask_label(workspace.mask(instance)).astype(np.uint8)
        inside = sample_crop(mask, crop, params.evaluation.map_size, smooth=False) > 0
        # An empty mask says nothing of where the object is.
        image = image._replace(allowed=image.allowed & torch.from_numpy(inside)) if inside.any() else image
    image = image._replace(components=pca and token_components(tokens, pca))
    if predictions is None:
        return image
    prediction = _prediction(instance, predictions)
    return image._replace(
        projection=prediction.projection.to_crop(crop),
        pose_score=prediction.pose_score,
        vertex_features=pca and vertex_components(predictions.vertex_features, pca),
        vertex_positions=predictions.positions,
    )


def describe_image(
    crop: Crop, width: int, height: int, tokens: Float32[np.ndarray, "T T D"], map_size: int
) -> EvaluatedImage:
    """One image with its tokens, without components and mesh.

    Args:
        width, height: size of the photograph in pixels. Nearest neighbours may lie where the crop shows a part of it.
        map_size: side S in pixels of the map in which nearest neighbours are looked for.
    """
    corners = to_crop(np.array([[0.0, 0.0], [width, height]]), crop)
    region = torch.from_numpy(corners.clip(0, 1))
    return EvaluatedImage(
        crop=crop,
        region=region,
        allowed=_inside(region, map_size),
        tokens=torch.from_numpy(tokens),
        components=None,
        projection=None,
        pose_score=torch.full((2,), torch.nan),
        vertex_features=None,
        vertex_positions=None,
    )


def token_components(tokens: Float32[np.ndarray, "T T D"], pca: Pca) -> Float64[Tensor, "T T K"]:
    """Principal components of an image's tokens."""
    return torch.from_numpy(pca.project(tokens)).double()


def vertex_components(features: Float[Tensor, "N K"], pca: Pca) -> Float64[Tensor, "N K"]:
    """Vertex features as principal components, scaled back from [0, 1], in which g is trained."""
    low, high = torch.from_numpy(pca.low), torch.from_numpy(pca.high)
    return (low + (high - low) * features).double()


def _inside(region: Float[Tensor, "2 2"], size: int) -> Bool[Tensor, "S S"]:
    centres = (torch.arange(size, dtype=torch.float64) + 0.5) / size
    u, v = ((centres >= region[0, :, None]) & (centres <= region[1, :, None])).unbind()
    return v[:, None] & u


def _prediction(instance: Instance, predictions: Predictions) -> Prediction:
    prediction = predictions.images.get(instance.name)
    if prediction is None:
        raise InputError(f"There is no prediction for the image '{instance.name}'. Run the stage `predict`.")
    return prediction
