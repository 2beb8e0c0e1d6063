"""The compared ways of finding a source point in the target; all take and give crop coordinates."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from pipeline.correspondence import nearest_visible_vertex, transfer
from pipeline.errors import InputError, nearest
from pipeline.evaluation.baselines import nearest_neighbour
from pipeline.evaluation.images import EvaluatedImage
from pipeline.feature_map import sample_map
from pipeline.local_search import local_search
from pipeline.params import Correspondence

Method = Callable[
    [Float[Tensor, "K 2"], EvaluatedImage, EvaluatedImage, Correspondence],
    Float[Tensor, "K 2"],
]


def project(
    query: Float[Tensor, "K 2"], source: EvaluatedImage, target: EvaluatedImage, params: Correspondence
) -> Float[Tensor, "K 2"]:
    """The mesh alone: SEMAGIC Eq. 8-10."""
    return transfer(query, source.projection, target.projection)


def project_and_search(
    query: Float[Tensor, "K 2"], source: EvaluatedImage, target: EvaluatedImage, params: Correspondence
) -> Float[Tensor, "K 2"]:
    """The mesh, then the search among the target's principal components: SEMAGIC Eq. 8-11."""
    start = project(query, source, target, params)
    if not params.search:
        return start
    reference = _search_reference(query, source, params.reference)
    return local_search(reference, target.components.tokens, start, target.region, params.window_area, params.size)


def match_tokens(
    query: Float[Tensor, "K 2"], source: EvaluatedImage, target: EvaluatedImage, params: Correspondence
) -> Float[Tensor, "K 2"]:
    """Nearest neighbour among the patch features."""
    return nearest_neighbour(sample_map(source.tokens.tokens, query), target.tokens)


def match_components(
    query: Float[Tensor, "K 2"], source: EvaluatedImage, target: EvaluatedImage, params: Correspondence
) -> Float[Tensor, "K 2"]:
    """Nearest neighbour among the features' principal components."""
    return nearest_neighbour(sample_map(source.components.tokens, query), target.components)


METHODS: dict[str, dict[str, Method]] = {
    "ours": {"ours": project_and_search, "ours_no_search": project},
    "nearest_neighbour": {"nearest_neighbour": match_tokens},
    "pca_nearest_neighbour": {"pca_nearest_neighbour": match_components},
}
"""Entries of `evaluation.methods`, and the rows that each of them scores."""


def select_methods(names: tuple[str, ...]) -> dict[str, Method]:
    """The rows that are scored.

    Raises:
        InputError: a name is unknown, or there is none.
    """
    for name in names:
        if name not in METHODS:
            raise InputError(f"params.yaml: unknown entry '{name}' of evaluation.methods. {nearest(name, METHODS)}")
    if not names:
        raise InputError(f"params.yaml: evaluation.methods is empty. Name one or more of {', '.join(METHODS)}.")
    return {row: method for name in names for row, method in METHODS[name].items()}


def _search_reference(query: Float[Tensor, "K 2"], source: EvaluatedImage, kind: str) -> Float[Tensor, "K C"]:
    """Feature that the search looks for: the image's at the query, g at its vertex, or the mean of their directions."""
    image = sample_map(source.components.tokens, query)
    if kind == "image":
        return image
    if source.vertex_features is None:
        raise InputError(
            f"params.yaml: correspondence.reference is '{kind}', but the predictions hold no vertex features. "
            "Run the stage `predict` again, or set it to 'image'."
        )
    field = source.vertex_features[nearest_visible_vertex(query, source.projection)]
    return field if kind == "field" else functional.normalize(image, dim=-1) + functional.normalize(field, dim=-1)
