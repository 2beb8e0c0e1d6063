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
    reference = _search_reference(query, source, params.reference)
    return local_search(reference, target.components.tokens, start, target.region, params.window_area, params.map_size)


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


MESH_METHODS: dict[str, Method] = {"search": project_and_search, "projection": project}
"""How a trained model is read; every cell is scored both ways."""
BASELINES: dict[str, Method] = {"nearest_neighbour": match_tokens, "pca_nearest_neighbour": match_components}
"""Entries of `evaluation.baselines`."""


def select_baselines(names: tuple[str, ...]) -> dict[str, Method]:
    """The baselines that are scored.

    Raises:
        InputError: a name is unknown, or there is none.
    """
    for name in names:
        if name not in BASELINES:
            raise InputError(f"params.yaml: unknown entry '{name}' of evaluation.baselines. {nearest(name, BASELINES)}")
    if not names:
        raise InputError(f"params.yaml: evaluation.baselines is empty. Name one or more of {', '.join(BASELINES)}.")
    return {name: BASELINES[name] for name in names}


def _search_reference(query: Float[Tensor, "K 2"], source: EvaluatedImage, kind: str) -> Float[Tensor, "K C"]:
    """Feature that the search looks for: the image's at the query, g at its vertex, or the mean of their directions."""
    image = sample_map(source.components.tokens, query)
    if kind == "image":
        return image
    field = source.vertex_features[nearest_visible_vertex(query, source.projection)]
    return field if kind == "field" else functional.normalize(image, dim=-1) + functional.normalize(field, dim=-1)
