"""Matching and scoring of the evaluated pairs of one category by any number of methods (SEMAGIC section 4.2)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from tqdm import tqdm

from pipeline.correspondence import Predictions
from pipeline.crops import from_crop, to_crop
from pipeline.data.instances import PairList, read_instances, read_pairs_file
from pipeline.errors import InputError
from pipeline.evaluation.images import EvaluatedImage, prepare_image
from pipeline.evaluation.methods import Method
from pipeline.evaluation.pck import Pck, is_correct, keypoint_errors, longer_side, pck
from pipeline.evaluation.result import Backends, Evaluation, MeshMeasures, Metrics, Settings, Trained, threshold_name
from pipeline.layout import Layout
from pipeline.params import Correspondence, Params
from pipeline.pca import Pca
from pipeline.records import Pair


class Match(NamedTuple):
    """A method's answer to one pair."""

    position: int
    """Of the pair in its list."""
    pair: Pair
    row: str
    predicted: Float[np.ndarray, "K 2"]
    """Pixels of the original target image."""


class Matches(NamedTuple):
    """All methods' answers to the pairs of one category."""

    listed: PairList
    points: pd.DataFrame
    """See `pipeline.evaluation.result.Evaluation`."""
    skipped: dict[str, str]
    """Reason for each pair, 'source-target', that could not be scored."""


def match_pairs(
    layout: Layout,
    backbone: str,
    category: str,
    methods: Mapping[str, Method],
    pca: Pca | None = None,
    predictions: Predictions | None = None,
) -> Matches:
    """Match the evaluated pairs of `category`.

    A pair with an image that an earlier stage skipped, or without a common keypoint, is recorded as skipped, and then
    for every method, so that all are scored on the same pairs.

    Raises:
        InputError: an input is missing, or no pair is left.
    """
    listed = read_pairs_file(layout.pairs(category))
    images, reasons = _prepare_images(layout, backbone, category, listed, pca, predictions)
    matches: list[Match] = []
    skipped: dict[str, str] = {}
    for position, pair in enumerate(tqdm(listed.pairs, desc=f"{category}: matching", unit="pair")):
        reason = reasons.get(pair.source) or reasons.get(pair.target)
        if reason is None and not pair.keypoint_ids:
            reason = "The images have no keypoint in common."
        if reason is not None:
            skipped[f"{pair.source}-{pair.target}"] = reason
            continue
        source, target = images[pair.source], images[pair.target]
        for row, method in methods.items():
            predicted = find_matches(method, pair, source, target, layout.params.correspondence)
            matches.append(Match(position, pair, row, predicted))
    if not matches:
        reason = next(iter(skipped.values()), "the list is empty.")
        raise InputError(f"{layout.pairs(category)}: none of its pairs can be scored. The first reason: {reason}")
    return Matches(listed, _table(matches), skipped)


def find_matches(
    method: Method, pair: Pair, source: EvaluatedImage, target: EvaluatedImage, params: Correspondence
) -> Float[np.ndarray, "K 2"]:
    """The pair's source keypoints in the target, in pixels of the original target image."""
    query = torch.from_numpy(to_crop(pair.source_keypoints, source.crop)).float()
    return from_crop(method(query, source, target, params).double().numpy(), target.crop)


def score_matches(
    params: Params, backbone: str, matches: Matches, trained: Trained | None = None, mesh: MeshMeasures | None = None
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
        mesh=mesh,
    )
    return Evaluation(metrics, points)


def score(points: pd.DataFrame, row: str, alpha: float) -> Pck:
    """PCK of one method from the table of an `Evaluation`."""
    selected = points[points["method"] == row]
    correct = is_correct(selected["error"].to_numpy(), selected["box_side"].to_numpy(), alpha)
    starts = np.flatnonzero(np.diff(selected["pair"])) + 1
    return pck(np.split(correct, starts))


def settings_of(params: Params) -> Settings:
    """What a reader of the scores has to know of `params`."""
    return Settings(
        split=params.data.evaluation_split,
        exclude_truncated_pairs=params.data.exclude_truncated_pairs,
        within_mask=params.evaluation.within_mask,
        generated=bool(params.data.generate),
        benchmark_seed=params.benchmark.seed,
        backends=Backends(
            masks=params.masks.backend,
            depth=params.depth.backend,
            poses=params.poses.backend,
            features=params.features.backend,
        ),
    )


def _prepare_images(
    layout: Layout,
    backbone: str,
    category: str,
    listed: PairList,
    pca: Pca | None,
    predictions: Predictions | None,
) -> tuple[Mapping[str, EvaluatedImage], dict[str, str]]:
    """Each image of the pairs once, and the reason for each that cannot be used."""
    instances = {i.name: i for i in read_instances(layout.instances(category)) if i.split != "train"}
    images: dict[str, EvaluatedImage] = {}
    reasons: dict[str, str] = {}
    for name in sorted({name for pair in listed.pairs for name in (pair.source, pair.target)}):
        if name not in instances:
            reasons[name] = f"{layout.instances(category)}: no instance '{name}'. Run the stage `instances`."
            continue
        try:
            images[name] = prepare_image(layout, backbone, instances[name], pca, predictions)
        except InputError as error:
            reasons[name] = str(error)
    return images, reasons


def _table(matches: Sequence[Match]) -> pd.DataFrame:
    counts = [len(match.predicted) for match in matches]
    source, target, predicted = (
        np.concatenate(points)
        for points in zip(
            *((m.pair.source_keypoints, m.pair.target_keypoints, m.predicted) for m in matches), strict=True
        )
    )
    return pd.DataFrame(
        {
            "pair": np.repeat([m.position for m in matches], counts),
            "source": np.repeat([m.pair.source for m in matches], counts),
            "target": np.repeat([m.pair.target for m in matches], counts),
            "method": np.repeat([m.row for m in matches], counts),
            "keypoint": [name for m in matches for name in m.pair.keypoint_ids],
            "source_x": source[:, 0],
            "source_y": source[:, 1],
            "target_x": target[:, 0],
            "target_y": target[:, 1],
            "x": predicted[:, 0],
            "y": predicted[:, 1],
            "error": keypoint_errors(predicted, target),
            "box_side": np.repeat([longer_side(m.pair.target_box) for m in matches], counts),
        }
    )
