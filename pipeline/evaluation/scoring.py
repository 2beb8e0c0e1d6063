"""Matching and scoring of the evaluated pairs of one category by any number of methods (SEMAGIC section 4.2)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from pipeline.base.checksums import DamagedFileError
from pipeline.base.errors import InputError
from pipeline.confidence.calibration import Calibration
from pipeline.confidence.signs import Signs, find_signs
from pipeline.config.params import Correspondence, Params
from pipeline.config.workspace import Workspace
from pipeline.evaluation.confidence import measure_confidence
from pipeline.evaluation.consistency import Consistency
from pipeline.evaluation.pck import Pck, is_correct, keypoint_errors, longer_side, pck
from pipeline.evaluation.result import (
    NAMES,
    NUMBERS,
    Backends,
    Evaluation,
    MeshMeasures,
    Metrics,
    Settings,
    Trained,
    threshold_name,
)
from pipeline.labels.components.pca import Pca
from pipeline.matching.images import EvaluatedImage, prepare_image
from pipeline.matching.methods import Method
from pipeline.matching.queries import Queries, by_image, make_queries
from pipeline.photographs.crops import from_crop
from pipeline.photographs.lists import PairList
from pipeline.photographs.records import Pair
from pipeline.prediction.predictions import Predictions


class Matches(NamedTuple):
    """All methods' answers to the pairs of one category."""

    listed: PairList
    points: pd.DataFrame
    """One row for each keypoint of each pair and method, as `pipeline.evaluation.result.Evaluation` describes it; where
    there are predictions, with the match's `Signs` in place of its probability."""
    skipped: dict[str, str]
    """Reason for each pair, 'source-target', that could not be scored."""


def match_pairs(
    workspace: Workspace,
    backbone: str,
    listed: PairList,
    methods: Mapping[str, Method],
    pca: Pca | None = None,
    predictions: Predictions | None = None,
) -> Matches:
    """Match the listed pairs of a category.

    A pair with an image that an earlier stage skipped, or without a common keypoint, is recorded as skipped, and then
    for every method, so that all are scored on the same pairs.

    Raises:
        InputError: an input is missing, or no pair is left.
    """
    images, reasons = _prepare_images(workspace, backbone, listed, pca, predictions)
    scored: dict[int, Pair] = {}
    skipped: dict[str, str] = {}
    for position, pair in enumerate(listed.pairs):
        reason = reasons.get(pair.source) or reasons.get(pair.target)
        if reason is None and not pair.keypoint_ids:
            reason = "The images have no keypoint in common."
        if reason is None:
            scored[position] = pair
        else:
            skipped[f"{pair.source}-{pair.target}"] = reason
    if not scored:
        reason = next(iter(skipped.values()), "the list is empty.")
        raise InputError(
            f"{workspace.pairs(listed.category).parent}: none of its pairs in the split '{listed.split}' can be scored."
            f" The first reason: {reason}"
        )
    pairs = list(scored.values())
    queries = make_queries(pairs, {name: image.crop for name, image in images.items()})
    found = _answers(queries, images, methods, workspace.params.correspondence)
    signs = find_signs(queries, [*images.values()], found) if predictions else {}
    return Matches(listed, _table(scored, _in_pixels(queries, images, found), signs), skipped)


def find_matches(
    pairs: Sequence[Pair],
    images: Mapping[str, EvaluatedImage],
    methods: Mapping[str, Method],
    params: Correspondence,
) -> dict[str, Float[np.ndarray, "Q 2"]]:
    """The answers of each method to the source keypoints, pair after pair, in pixels of the original target images."""
    queries = make_queries(pairs, {name: image.crop for name, image in images.items()})
    return _in_pixels(queries, images, _answers(queries, images, methods, params))


def _answers(
    queries: Queries, images: Mapping[str, EvaluatedImage], methods: Mapping[str, Method], params: Correspondence
) -> dict[str, Float[Tensor, "Q 2"]]:
    """The answers of each method, in crop coordinates of their targets."""
    return {row: method(queries, list(images.values()), params) for row, method in methods.items()}


def _in_pixels(
    queries: Queries, images: Mapping[str, EvaluatedImage], answers: Mapping[str, Float[Tensor, "Q 2"]]
) -> dict[str, Float[np.ndarray, "Q 2"]]:
    numbered = list(images.values())

    def to_pixels(found: Float[Tensor, "Q 2"]) -> Float[np.ndarray, "Q 2"]:
        def of_image(image: int, rows: Int64[Tensor, "_"]) -> Float[Tensor, "_ 2"]:
            return torch.from_numpy(from_crop(found[rows].numpy(), numbered[image].crop))

        return by_image(queries.target, len(numbered), of_image).numpy()

    return {row: to_pixels(found) for row, found in answers.items()}


def score_matches(
    params: Params,
    backbone: str,
    matches: Matches,
    trained: Trained | None = None,
    mesh: MeshMeasures | None = None,
    calibrations: Mapping[str, Calibration] | None = None,
) -> Evaluation:
    """PCK of every method in `matches`, at every threshold of `evaluation.alphas`."""
    points, rows = matches.points, matches.points["method"].unique()
    metrics = Metrics(
        category=matches.listed.category,
        backbone=backbone,
        settings=settings_of(params),
        trained=trained,
        pairs=len(matches.listed.pairs) - len(matches.skipped),
        pairs_listed=len(matches.listed.pairs),
        points=len(points) // len(rows),
        pairs_sha256=matches.listed.sha256,
        skipped=matches.skipped,
        pck={
            row: {threshold_name(alpha): score(points, row, alpha) for alpha in params.evaluation.alphas}
            for row in rows
        },
        confidence=measure_confidence(points),
        mesh=mesh,
    )
    return Evaluation(metrics, points, dict(calibrations or {}))


def without_keypoints(
    params: Params,
    backbone: str,
    listed: PairList,
    consistency: dict[str, Consistency],
    trained: Trained | None = None,
    mesh: MeshMeasures | None = None,
) -> Evaluation:
    """The evaluation of a category of which no keypoints are annotated: no pair, no PCK."""
    metrics = Metrics(
        category=listed.category,
        backbone=backbone,
        settings=settings_of(params),
        trained=trained,
        pairs=0,
        pairs_listed=0,
        points=0,
        pairs_sha256=listed.sha256,
        skipped={},
        pck={},
        confidence={},
        mesh=mesh,
        consistency=consistency,
    )
    empty = {name: pd.Series(dtype=str) for name in NAMES} | {name: pd.Series(dtype=float) for name in NUMBERS}
    return Evaluation(metrics, pd.DataFrame(empty), {})


def score(points: pd.DataFrame, row: str, alpha: float) -> Pck:
    """PCK of one method from the table of an `Evaluation`."""
    selected = points[points["method"] == row]
    correct = is_correct(selected["error"].to_numpy(), selected["box_side"].to_numpy(), alpha)
    ends = np.flatnonzero(np.diff(selected["pair"].to_numpy(), append=-1)) + 1
    return pck(correct, np.diff(ends, prepend=0))


def settings_of(params: Params) -> Settings:
    """The parameters that a reader of the scores has to know."""
    return Settings(
        split=params.data.evaluation_split,
        exclude_truncated_pairs=params.data.exclude_truncated_pairs,
        within_mask=params.evaluation.within_mask,
        generated=bool(params.data.generate),
        simulation_seed=params.simulation.seed,
        backends=Backends(
            masks=params.masks.backend,
            depth=params.depth.backend,
            poses=params.poses.backend,
            features=params.features.backend,
        ),
    )


def _prepare_images(
    workspace: Workspace,
    backbone: str,
    listed: PairList,
    pca: Pca | None,
    predictions: Predictions | None,
) -> tuple[Mapping[str, EvaluatedImage], dict[str, str]]:
    """Each image of the pairs once, and for each image that cannot be used the reason."""
    category = listed.category
    instances = {i.name: i for i in workspace.paired_instances(category)}
    images: dict[str, EvaluatedImage] = {}
    reasons: dict[str, str] = {}
    for name in sorted({name for pair in listed.pairs for name in (pair.source, pair.target)}):
        if name not in instances:
            reasons[name] = f"{workspace.instances(category)}: no instance '{name}'. Run the stage `instances`."
            continue
        try:
            images[name] = prepare_image(workspace, backbone, instances[name], pca, predictions)
        except DamagedFileError:
            raise
        except InputError as error:
            reasons[name] = str(error)
    return images, reasons


def _table(
    pairs: Mapping[int, Pair], predicted: Mapping[str, Float[np.ndarray, "Q 2"]], signs: Mapping[str, Signs]
) -> pd.DataFrame:
    """A table of all answers: pair after pair, and within a pair method after method."""
    listed = list(pairs.values())
    counts = [len(pair.keypoint_ids) for pair in listed]
    source, target = (
        np.concatenate(points)
        for points in zip(*((pair.source_keypoints, pair.target_keypoints) for pair in listed), strict=True)
    )
    points = pd.DataFrame(
        {
            "pair": np.repeat(list(pairs), counts),
            "source": np.repeat([pair.source for pair in listed], counts),
            "target": np.repeat([pair.target for pair in listed], counts),
            "method": "",
            "keypoint": [name for pair in listed for name in pair.keypoint_ids],
            "source_x": source[:, 0],
            "source_y": source[:, 1],
            "target_x": target[:, 0],
            "target_y": target[:, 1],
        }
    )
    box_side = np.repeat([longer_side(pair.target_box) for pair in listed], counts)
    parts = [
        points.assign(
            method=row,
            x=found[:, 0],
            y=found[:, 1],
            error=keypoint_errors(found, target),
            box_side=box_side,
            **{name: sign.numpy() for name, sign in (signs[row]._asdict() if row in signs else {}).items()},
        )
        for row, found in predicted.items()
    ]
    return pd.concat(parts).sort_values("pair", kind="stable", ignore_index=True)
