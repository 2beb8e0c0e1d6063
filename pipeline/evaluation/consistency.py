"""What matches are worth where nobody has annotated keypoints: whether they find back, and whether features agree.

Points spread over the mask of each held-out photograph are looked for in some of the others, and what is found there is
looked for in the first photograph again. A match that returns to where it began need not be right; one that does not
is wrong, or its way back is. So the share that returns bounds from above how many matches can be right both ways.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as functional
from jaxtyping import Float, Float64
from torch import Tensor

from pipeline.base.checksums import is_listed
from pipeline.base.errors import InputError
from pipeline.config.workspace import Workspace
from pipeline.evaluation.pck import TABLE_ALPHA
from pipeline.labels.components.pca import Pca
from pipeline.labels.masks import read_mask_label
from pipeline.matching.feature_map import sample_map
from pipeline.matching.images import EvaluatedImage, prepare_image, required
from pipeline.matching.methods import Method
from pipeline.matching.queries import Queries, by_image
from pipeline.matching.spread import grid_over
from pipeline.photographs.crops import sample_crop
from pipeline.photographs.records import Instance
from pipeline.prediction.predictions import Predictions

POINTS = 24
"""Points on each photograph, about."""
TARGETS = 6
"""Other photographs in which they are looked for: those that follow in the list, and the first ones after the last."""
SIZE = 64
"""Side of the map of an object's mask on which its points are spread [pixels]."""


class Consistency(NamedTuple):
    """How one method's matches of photographs without keypoints hold together."""

    images: int
    """Number of photographs."""
    returned: float
    """Share of points that come back within 0.1 of the longer side of the object's box (`evaluation` threshold)."""
    distance: float
    """Median distance of where a point comes back from where it began, as a share of the longer side of the box."""
    agreement: float
    """Mean cosine of the features' principal components at a point and at what is found for it."""


def measure_consistency(
    workspace: Workspace,
    backbone: str,
    category: str,
    methods: Mapping[str, Method],
    pca: Pca,
    predictions: Predictions | None = None,
) -> dict[str, Consistency]:
    """Measure the matches of each method on the photographs of `data.evaluation_split`.

    Args:
        workspace: with the parameters of the cell or of the backbone.

    Raises:
        InputError: fewer than two photographs have features and a mask.
    """
    usable = [i for i in workspace.evaluation_instances(category) if is_listed(workspace.mask(i))]
    usable = [i for i in usable if workspace.tokens(backbone, i).is_file()]
    if len(usable) < 2:
        raise InputError(
            f"{workspace.instances(category)}: expected two or more photographs of the split "
            f"'{workspace.params.data.evaluation_split}' with features and masks, found {len(usable)}. Add some."
        )
    images = [prepare_image(workspace, backbone, instance, pca, predictions) for instance in usable]
    points = [spread_points(workspace, *one) for one in zip(usable, images, strict=True)]
    there = circular_queries(points)
    params = workspace.params
    found = {}
    for name, method in methods.items():
        places = method(there, images, params.correspondence)
        back = method(returning(there, places), images, params.correspondence)
        # The crop is `data.crop_margin` times as wide as the box.
        distance = (back - there.points[there.point]).norm(dim=-1) * params.data.crop_margin
        found[name] = Consistency(
            len(images),
            float((distance <= TABLE_ALPHA).double().mean()),
            float(distance.median()),
            float(_cosine(there, places, images).mean()),
        )
    return found


def spread_points(workspace: Workspace, instance: Instance, image: EvaluatedImage) -> Float[np.ndarray, "P 2"]:
    """A square grid of about `POINTS` points on the mask of a photograph, in crop coordinates; one at least."""
    mask = read_mask_label(workspace.mask(instance)).astype(np.uint8)
    on = sample_crop(mask, image.crop, SIZE, smooth=False) > 0
    points = grid_over(on, POINTS)
    if len(points) == 0:
        rows, columns = np.nonzero(on) if on.any() else (np.array([SIZE / 2]), np.array([SIZE / 2]))
        return np.array([[columns.mean() + 0.5, rows.mean() + 0.5]]) / SIZE
    return points


def circular_queries(points: Sequence[Float[np.ndarray, "_ 2"]]) -> Queries:
    """The points of each photograph, looked for in the `TARGETS` that follow it in a circle, or in all others."""
    count = len(points)
    source = np.repeat(np.arange(count), [len(one) for one in points])
    steps = np.arange(1, min(TARGETS, count - 1) + 1)
    target = (source[:, None] + steps) % count
    point = np.repeat(np.arange(len(source)), len(steps))
    places = np.concatenate(points).astype(np.float64)
    return Queries(*map(torch.from_numpy, (target.ravel(), point, source, places)))


def returning(queries: Queries, places: Float64[Tensor, "Q 2"]) -> Queries:
    """What was found, to be looked for in the photographs that it was asked from."""
    asked = queries.source[queries.point]
    return Queries(asked, torch.arange(len(places)), queries.target, places.double())


def _cosine(queries: Queries, places: Float64[Tensor, "Q 2"], images: Sequence[EvaluatedImage]) -> Float[Tensor, "Q"]:
    maps = [required(image.components, "components") for image in images]
    source, start = queries.source[queries.point], queries.points[queries.point]
    here = by_image(source, len(images), lambda image, rows: sample_map(maps[image], start[rows]))
    there = by_image(queries.target, len(images), lambda image, rows: sample_map(maps[image], places[rows]))
    return functional.cosine_similarity(here.double(), there.double(), dim=-1)
