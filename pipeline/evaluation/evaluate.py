"""Scoring of all methods on the evaluated pairs of one category (SEMAGIC section 4.2)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from tqdm import tqdm

from pipeline.correspondence import read_projections
from pipeline.crops import from_crop, to_crop
from pipeline.data.instances import PairList, read_instances, read_pairs_file
from pipeline.errors import InputError
from pipeline.evaluation.images import EvaluatedImage, prepare_image
from pipeline.evaluation.methods import Method, select_methods
from pipeline.evaluation.pck import Pck, is_correct, keypoint_errors, longer_side, pck
from pipeline.evaluation.result import Backends, Evaluation, Metrics, Settings, Switches, threshold_name
from pipeline.layout import Layout
from pipeline.params import Correspondence, Params
from pipeline.pca import read_pca
from pipeline.records import Pair


class Match(NamedTuple):
    """A method's answer to one pair."""

    position: int
    """Of the pair in its list."""
    pair: Pair
    row: str
    predicted: Float[np.ndarray, "K 2"]
    """Pixels of the original target image."""


def evaluate(layout: Layout, category: str) -> Evaluation:
    """Match and score the evaluated pairs of `category` with the methods of `evaluation.methods`.

    A pair with an image that an earlier stage skipped, or without a common keypoint, is recorded as skipped, and then
    for every method, so that all are scored on the same pairs.

    Raises:
        InputError: an input is missing, a method is unknown, or no pair is left.
    """
    params = layout.params
    methods = select_methods(params.evaluation.methods)
    listed = read_pairs_file(layout.pairs(category))
    images, reasons = _prepare_images(layout, category, listed)
    matches: list[Match] = []
    skipped: dict[str, str] = {}
    for position, pair in enumerate(tqdm(listed.pairs, desc=f"evaluate {category}", unit="pair")):
        reason = reasons.get(pair.source) or reasons.get(pair.target)
        if reason is None and not pair.keypoint_ids:
            reason = "The images have no keypoint in common."
        if reason is not None:
            skipped[f"{pair.source}-{pair.target}"] = reason
            continue
        source, target = images[pair.source], images[pair.target]
        for row, method in methods.items():
            predicted = find_matches(method, pair, source, target, params.correspondence)
            matches.append(Match(position, pair, row, predicted))
    if not matches:
        reason = next(iter(skipped.values()), "the list is empty.")
        raise InputError(f"{layout.pairs(category)}: none of its pairs can be scored. The first reason: {reason}")
    points = _table(matches)
    alphas = params.evaluation.alphas
    metrics = Metrics(
        category=category,
        settings=settings_of(params),
        pairs=len(listed.pairs) - len(skipped),
        points=len(points) // len(methods),
        pairs_sha256=listed.sha256,
        skipped=skipped,
        pck={row: {threshold_name(alpha): score(points, row, alpha) for alpha in alphas} for row in methods},
    )
    return Evaluation(metrics, points)


def find_matches(
    method: Method, pair: Pair, source: EvaluatedImage, target: EvaluatedImage, params: Correspondence
) -> Float[np.ndarray, "K 2"]:
    """The pair's source keypoints in the target, in pixels of the original target image."""
    query = torch.from_numpy(to_crop(pair.source_keypoints, source.crop)).float()
    return from_crop(method(query, source, target, params).double().numpy(), target.crop)


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
        benchmark_seed=params.benchmark.seed,
        training_seed=params.training.seed,
        backends=Backends(
            masks=params.masks.backend,
            depth=params.depth.backend,
            poses=params.poses.backend,
            features=params.features.backend,
        ),
        switches=Switches(
            depth=params.loss.depth > 0,
            pose=params.loss.pose > 0,
            index_embedding=params.model.deformation.index_embedding,
            feature_consistency=params.loss.feat_cons > 0,
            search=params.correspondence.search,
        ),
    )


def _prepare_images(
    layout: Layout, category: str, listed: PairList
) -> tuple[Mapping[str, EvaluatedImage], dict[str, str]]:
    """Each image of the pairs once, and the reason for each that cannot be used."""
    params = layout.params
    ours = "ours" in params.evaluation.methods
    predictions = read_projections(layout.predictions(category) / "projections.safetensors") if ours else None
    needs_pca = ours or "pca_nearest_neighbour" in params.evaluation.methods
    pca = read_pca(layout.pca(category)) if needs_pca else None
    instances = {i.name: i for i in read_instances(layout.instances(category)) if i.split != "train"}
    images: dict[str, EvaluatedImage] = {}
    reasons: dict[str, str] = {}
    for name in sorted({name for pair in listed.pairs for name in (pair.source, pair.target)}):
        if name not in instances:
            reasons[name] = f"{layout.instances(category)}: no instance '{name}'. Run the stage `instances`."
            continue
        try:
            images[name] = prepare_image(layout, instances[name], pca, predictions)
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
