"""The answers of one row of Table 1 to every clickable point of a category, in every other photograph."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from pipeline.confidence.calibration import read_calibrations
from pipeline.confidence.signs import find_signs
from pipeline.config.cells import Cell
from pipeline.config.workspace import Workspace
from pipeline.gallery.points import Points
from pipeline.labels.components.pca import Pca
from pipeline.matching.images import prepare_image
from pipeline.matching.methods import BASELINES, MESH_METHODS
from pipeline.matching.queries import Queries
from pipeline.photographs.records import Instance
from pipeline.prediction.predictions import Predictions


class Answers(NamedTuple):
    """Where each of the P points of all photographs, one after the other, is found in each of the I photographs."""

    places: Float[np.ndarray, "P I 2"]
    """Crop coordinates; in its own photograph a point is where it is."""
    probability: Float[np.ndarray, "P I"]
    """Probability that the match is right; NaN where it is not known, and 1 in the point's own photograph."""


def baseline_answers(
    workspace: Workspace, backbone: str, name: str, instances: Sequence[Instance], points: Sequence[Points], pca: Pca
) -> Answers:
    """The answers of a baseline, an entry of `evaluation.baselines`.

    Raises:
        InputError: features of a photograph cannot be read.
    """
    images = [prepare_image(workspace, backbone, instance, pca, None) for instance in instances]
    queries = every_query(points)
    found = BASELINES[name](queries, images, workspace.params.correspondence)
    return _in_place(points, queries, found.numpy(), np.full(len(found), np.nan))


def model_answers(
    workspace: Workspace,
    cell: Cell,
    instances: Sequence[Instance],
    points: Sequence[Points],
    pca: Pca,
    predictions: Predictions,
) -> Answers:
    """The answers of a trained cell, as Table 1 reads it, with the probabilities that its evaluation has learned.

    Args:
        workspace: with the parameters of the cell.

    Raises:
        InputError: an input of the matching is missing or damaged.
    """
    images = [prepare_image(workspace, cell.backbone, instance, pca, predictions) for instance in instances]
    params = workspace.params.correspondence
    queries = every_query(points)
    found = MESH_METHODS[params.reading](queries, images, params)
    calibration = read_calibrations(workspace.calibration(cell)).get(params.reading)
    probability = np.full(len(found), np.nan)
    if calibration:
        signs = find_signs(queries, images, {params.reading: found})[params.reading]
        probability = calibration.probability(torch.stack(signs, -1).numpy())
    return _in_place(points, queries, found.numpy(), probability)


def every_query(points: Sequence[Points]) -> Queries:
    """Each point of each photograph, to be looked for in every other photograph."""
    images = len(points)
    source = np.repeat(np.arange(images), [len(one.places) for one in points])
    point, target = np.divmod(np.arange(len(source) * images), images)
    other = source[point] != target
    places = np.concatenate([one.places for one in points])
    return Queries(*map(torch.from_numpy, (target[other], point[other], source, places)))


def _in_place(
    points: Sequence[Points], queries: Queries, found: Float[np.ndarray, "Q 2"], probability: Float[np.ndarray, "Q"]
) -> Answers:
    own = np.concatenate([one.places for one in points])
    places = np.repeat(own[:, None], len(points), axis=1)
    known = np.ones(places.shape[:2])
    places[queries.point, queries.target] = found
    known[queries.point, queries.target] = probability
    return Answers(places, known)
