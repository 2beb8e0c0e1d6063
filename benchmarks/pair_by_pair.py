"""Plain evaluator, which works pair by pair and keypoint by keypoint, as the reference for `pipeline.evaluation`.

Like the evaluation scripts of published correspondence methods, it upsamples the target's features for each pair,
compares each keypoint with every pixel, and counts in Python. It shares file formats and frames with the pipeline, but
no computation. It computes in double precision, for the reason given in `pipeline.matching.images`, and breaks ties by
the same rules.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch.nn import functional

from pipeline.config.params import Correspondence
from pipeline.config.workspace import Workspace
from pipeline.labels.components.pca import Pca
from pipeline.labels.features import read_tokens
from pipeline.labels.masks import read_mask_label
from pipeline.photographs.crops import Crop, from_crop, sample_crop, square_crop, to_crop
from pipeline.photographs.records import Instance, Pair
from pipeline.prediction.predictions import Predictions


class PlainImage(NamedTuple):
    """Image to match. Points and maps are in its crop coordinates."""

    crop: Crop
    region: Float[np.ndarray, "2 2"]
    allowed: Bool[np.ndarray, "S S"]
    tokens: Float[np.ndarray, "T T D"]
    """Patch features, scaled to unit length."""
    components: Float[np.ndarray, "T T K"]
    vertices: Float[np.ndarray, "N 2"] | None
    visible: Bool[np.ndarray, "N"] | None
    vertex_features: Float[np.ndarray, "N K"] | None
    positions: Float[np.ndarray, "N 3"] | None
    """Vertices of the template."""


def read_plain_image(
    workspace: Workspace, backbone: str, instance: Instance, pca: Pca, predictions: Predictions | None = None
) -> PlainImage:
    """Read one image's features, and its prediction where `predictions` are given."""
    params, size = workspace.params, workspace.params.evaluation.map_size
    crop = square_crop(instance.box, params.data.crop_margin)
    region = np.clip(to_crop(np.array([[0.0, 0.0], [instance.width, instance.height]]), crop), 0, 1)
    centres = np.stack(np.meshgrid(np.arange(size), np.arange(size)), -1) / size + 0.5 / size
    allowed = ((region[0] <= centres) & (centres <= region[1])).all(-1)
    if params.evaluation.within_mask:
        mask = read_mask_label(workspace.mask(instance)).astype(np.uint8)
        inside = sample_crop(mask, crop, size, smooth=False) > 0
        allowed = allowed & inside if inside.any() else allowed
    tokens = read_tokens(workspace.tokens(backbone, instance)).tokens
    unit = tokens.astype(np.float64)
    unit /= np.maximum(np.linalg.norm(unit, axis=-1, keepdims=True), 1e-12)
    image = PlainImage(crop, region, allowed, unit, pca.project(tokens).astype(np.float64), None, None, None, None)
    if predictions is None:
        return image
    projection = predictions.images[instance.name].projection
    return image._replace(
        vertices=to_crop(projection.vertices.numpy().astype(np.float64), crop),
        visible=projection.visible.numpy(),
        vertex_features=(pca.low + (pca.high - pca.low) * predictions.vertex_features.numpy()).astype(np.float64),
        positions=predictions.positions.numpy().astype(np.float64),
    )


def match_pair(
    row: str, pair: Pair, source: PlainImage, target: PlainImage, params: Correspondence
) -> Float[np.ndarray, "K 2"]:
    """Match the keypoints of one pair with the method of a table row, in pixels of the target image.

    Args:
        row: row of the tables, see `pipeline.matching.methods`.
    """
    maps = {"nearest_neighbour": "tokens", "pca_nearest_neighbour": "components"}
    if row in maps:
        from_tokens, to_tokens = getattr(source, maps[row]), getattr(target, maps[row])
        similarity = _upsampled_directions(to_tokens, len(target.allowed))
    window = _window(params)
    found = []
    for keypoint in pair.source_keypoints:
        query = to_crop(keypoint, source.crop)
        if row in maps:
            point = _best_pixel(interpolate(from_tokens, query), similarity, target.allowed)
        else:
            vertex = _nearest_visible_vertex(query, source)
            point = target.vertices[vertex]
            if row == "search":
                point = _search(_reference(query, vertex, source, params.reference), point, window, target)
            elif row == "guided":
                point = _guide(interpolate(source.components, query), vertex, target, params)
        found.append(from_crop(point, target.crop))
    return np.array(found)


def pck_of_pairs(pairs: Sequence[Pair], predicted: Iterable[Float[np.ndarray, "K 2"]], alpha: float) -> float:
    """Compute the PCK per image, in [0, 1]."""
    shares = []
    for pair, points in zip(pairs, predicted, strict=True):
        limit = alpha * max(pair.target_box.width, pair.target_box.height)
        hits = 0
        for (x, y), (true_x, true_y) in zip(points, pair.target_keypoints, strict=True):
            hits += math.hypot(x - true_x, y - true_y) <= limit
        shares.append(hits / len(points))
    return float(np.mean(shares))


def match_pairs_plainly(
    rows: Sequence[str], pairs: Sequence[Pair], images: Mapping[str, PlainImage], params: Correspondence
) -> dict[str, list[Float[np.ndarray, "K 2"]]]:
    """Match each pair with the method of each table row."""
    return {row: [match_pair(row, p, images[p.source], images[p.target], params) for p in pairs] for row in rows}


def interpolate(tokens: Float[np.ndarray, "T T C"], points: Float[np.ndarray, "*N 2"]) -> Float[np.ndarray, "*N C"]:
    """Interpolate tokens bilinearly. Beyond the centres of the outermost tokens their values are extended."""
    place = np.clip(points * len(tokens) - 0.5, 0, len(tokens) - 1)
    before = np.minimum(place.astype(int), len(tokens) - 2)
    (j, i), (x, y) = np.moveaxis(before, -1, 0), np.moveaxis(place - before, -1, 0)[..., None]
    upper = (1 - x) * tokens[i, j] + x * tokens[i, j + 1]
    lower = (1 - x) * tokens[i + 1, j] + x * tokens[i + 1, j + 1]
    return (1 - y) * upper + y * lower


def _upsampled_directions(tokens: Float[np.ndarray, "T T C"], size: int) -> Float[np.ndarray, "C S S"]:
    """Upsample tokens to unit features at the pixel centres."""
    maps = torch.from_numpy(tokens).permute(2, 0, 1)[None]
    dense = functional.interpolate(maps, size=(size, size), mode="bilinear", align_corners=False)[0]
    return (dense / dense.norm(dim=0).clamp_min(1e-12)).numpy()


def _best_pixel(
    feature: Float[np.ndarray, "C"], directions: Float[np.ndarray, "C S S"], allowed: Bool[np.ndarray, "S S"]
) -> Float[np.ndarray, "2"]:
    """Find the pixel with the highest cosine similarity. Ties, within 1e-9, go to the first pixel in reading order."""
    size = len(allowed)
    direction = feature / max(np.linalg.norm(feature), 1e-12)
    cosine = (direction @ directions.reshape(len(feature), -1)).reshape(size, size)
    cosine = np.where(allowed if allowed.any() else True, cosine, -np.inf)
    row, column = np.argwhere(cosine >= cosine.max() - 1e-9)[0]
    return (np.array([column, row]) + 0.5) / size


def _nearest_visible_vertex(query: Float[np.ndarray, "2"], source: PlainImage) -> int:
    distance = np.linalg.norm(source.vertices - query, axis=1)
    return int(np.where(source.visible | ~source.visible.any(), distance, np.inf).argmin())


def _reference(query: Float[np.ndarray, "2"], vertex: int, source: PlainImage, kind: str) -> Float[np.ndarray, "K"]:
    image, field = interpolate(source.components, query), source.vertex_features[vertex]
    means = image / np.linalg.norm(image) + field / np.linalg.norm(field)
    return {"image": image, "field": field, "mean": means}[kind]


def _window(params: Correspondence) -> Float[np.ndarray, "W 2"]:
    """Offsets of the search window, sorted by distance. Ties are sorted from left to right, then from top to bottom."""
    reach = math.floor(math.sqrt(params.window_area) * params.map_size / 2)
    steps = range(-reach, reach + 1)
    offsets = [(x, y) for x in steps for y in steps]
    return np.array(sorted(offsets, key=lambda offset: offset[0] ** 2 + offset[1] ** 2)) / params.map_size


def _search(
    feature: Float[np.ndarray, "K"],
    start: Float[np.ndarray, "2"],
    window: Float[np.ndarray, "W 2"],
    target: PlainImage,
) -> Float[np.ndarray, "2"]:
    """Search the window (Eq. 11) for the highest cosine similarity. Ties, to 6 decimals, go to the first point."""
    points = start + window
    found = interpolate(target.components, points)
    lengths = np.maximum(np.linalg.norm(found, axis=1), 1e-8) * max(np.linalg.norm(feature), 1e-8)
    cosine = np.round(found @ feature / lengths, 6)
    inside = ((points >= target.region[0]) & (points <= target.region[1])).all(1)
    return points[np.where(inside, cosine, -np.inf).argmax()]


def _guide(
    feature: Float[np.ndarray, "K"], vertex: int, target: PlainImage, params: Correspondence
) -> Float[np.ndarray, "2"]:
    """Search the whole target (`pipeline.matching.guided_search`). Ties, to 6 decimals, go to the first pixel."""
    guided, positions = params.guided, target.positions
    centres = (np.arange(guided.map_size) + 0.5) / guided.map_size
    points = np.stack(np.meshgrid(centres, centres), -1).reshape(-1, 2)
    inside = ((points >= target.region[0]) & (points <= target.region[1])).all(1)
    points = points[inside] if inside.any() else points
    visible = np.flatnonzero(target.visible | ~target.visible.any())
    shown = visible[np.linalg.norm(points[:, None] - target.vertices[visible], axis=-1).argmin(1)]
    found = interpolate(target.components, points)
    field = target.vertex_features[vertex]
    score = _cosines(found, feature) + guided.field * _cosines(found, field)
    apart = np.linalg.norm(points - target.vertices[vertex], axis=1) / guided.image_spread
    diagonal = np.linalg.norm(positions.max(0) - positions.min(0))
    on_template = np.linalg.norm(positions[shown] - positions[vertex], axis=1) / (guided.template_spread * diagonal)
    return points[np.round(score - (apart**2 + on_template**2) / 2, 6).argmax()]


def _cosines(features: Float[np.ndarray, "P K"], feature: Float[np.ndarray, "K"]) -> Float[np.ndarray, "P"]:
    lengths = np.maximum(np.linalg.norm(features, axis=1), 1e-8) * max(np.linalg.norm(feature), 1e-8)
    return features @ feature / lengths
