"""What speaks for a match, and what against it, without knowing where the point really is."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float64, Int64
from torch import Tensor
from torch.nn import functional

from pipeline.matching.feature_map import sample_map
from pipeline.matching.images import EvaluatedImage, required
from pipeline.matching.nearest_neighbour import nearest_neighbour
from pipeline.matching.queries import Queries, by_image
from pipeline.matching.transfer import nearest_visible_vertex

Scalar = Float64[Tensor, "Q"]
"""One number for each match."""


class Signs(NamedTuple):
    """Signs of Q matches: point x of image A, its nearest visible vertex v (Eq. 10), and the answer p in image B.

    Features are principal components; distances are shares of the crop's side, and are given as log(0.01 + d).
    """

    similarity: Scalar
    """Cosine of the features at x and at p."""
    source_field: Scalar
    """Cosine of the feature at x and the feature field at v."""
    target_field: Scalar
    """Cosine of the feature at p and the feature field at v."""
    source_distance: Scalar
    """Distance from x to the projection of v in A."""
    target_distance: Scalar
    """Distance from p to the projection of v in B: how far the local search went."""
    visible: Scalar
    """1 where v is visible in B, else 0."""
    cycle: Scalar
    """Distance from x to where the same path leads back from p."""
    neighbour: Scalar
    """Distance from p to the nearest neighbour of the feature at x in all of B."""
    source_energy: Scalar
    """Energy of the refined pose of A; 0 where poses are not refined, as for the next three."""
    target_energy: Scalar
    """Energy of the refined pose of B."""
    source_margin: Scalar
    """Energy by which the second-best pose of A is worse than the best, 1 at most."""
    target_margin: Scalar
    """The same of B."""


def find_signs(
    queries: Queries, images: Sequence[EvaluatedImage], answers: Mapping[str, Float64[Tensor, "Q 2"]]
) -> dict[str, Signs]:
    """The signs of matches that the template has found, for each way of reading it.

    Args:
        images: prepared with components and predictions.
        answers: in crop coordinates of their targets, by the reading.
    """
    maps = [required(image.components, "components") for image in images]
    meshes = [required(image.projection, "projection") for image in images]
    field = required(images[0].vertex_features, "vertex features")
    scores = torch.stack([image.pose_score for image in images]).double().nan_to_num(0.0).clamp(max=1.0)
    x, source = queries.points[queries.point], queries.source[queries.point]

    def in_sources(answer: Callable[[int, Int64[Tensor, "_"]], Tensor]) -> Tensor:
        return by_image(source, len(images), answer)

    def in_targets(answer: Callable[[int, Int64[Tensor, "_"]], Tensor]) -> Tensor:
        return by_image(queries.target, len(images), answer)

    vertex = in_sources(lambda image, rows: nearest_visible_vertex(x[rows], meshes[image]))
    feature = in_sources(lambda image, rows: sample_map(maps[image], x[rows]))
    started = in_sources(lambda image, rows: meshes[image].vertices[vertex[rows]])
    projected = in_targets(lambda image, rows: meshes[image].vertices[vertex[rows]])
    visible = in_targets(lambda image, rows: meshes[image].visible[vertex[rows]].double())
    neighbour = in_targets(
        lambda image, rows: nearest_neighbour(feature[rows], maps[image], images[image].allowed).double()
    )

    def of_reading(found: Float64[Tensor, "Q 2"]) -> Signs:
        back = in_targets(lambda image, rows: nearest_visible_vertex(found[rows], meshes[image]))
        answer = in_targets(lambda image, rows: sample_map(maps[image], found[rows]))
        return Signs(
            similarity=_cosine(feature, answer),
            source_field=_cosine(feature, field[vertex]),
            target_field=_cosine(answer, field[vertex]),
            source_distance=_distance(x, started),
            target_distance=_distance(found, projected),
            visible=visible,
            cycle=_distance(x, in_sources(lambda image, rows: meshes[image].vertices[back[rows]])),
            neighbour=_distance(found, neighbour),
            source_energy=scores[source, 0],
            target_energy=scores[queries.target, 0],
            source_margin=scores[source, 1],
            target_margin=scores[queries.target, 1],
        )

    return {reading: of_reading(found) for reading, found in answers.items()}


def _cosine(a: Float64[Tensor, "Q C"], b: Float64[Tensor, "Q C"]) -> Scalar:
    return functional.cosine_similarity(a, b, dim=-1)


def _distance(a: Float64[Tensor, "Q 2"], b: Float64[Tensor, "Q 2"]) -> Scalar:
    return ((a - b).norm(dim=-1) + 0.01).log()
