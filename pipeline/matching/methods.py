"""The compared methods of finding source points in their targets, all queries of a category at once."""

from collections.abc import Callable, Sequence

from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

from pipeline.base.errors import InputError, nearest
from pipeline.config.params import Correspondence
from pipeline.matching.feature_map import sample_map
from pipeline.matching.guided_search import guided_search
from pipeline.matching.images import EvaluatedImage, required
from pipeline.matching.local_search import local_search
from pipeline.matching.nearest_neighbour import nearest_neighbour
from pipeline.matching.queries import Queries, by_image
from pipeline.matching.transfer import nearest_visible_vertex
from pipeline.prediction.projection import Projection

Images = Sequence[EvaluatedImage]
Method = Callable[[Queries, Images, Correspondence], Float[Tensor, "Q 2"]]
"""Gives each query's answer in crop coordinates of its target."""


def project(queries: Queries, images: Images, params: Correspondence) -> Float[Tensor, "Q 2"]:
    """Match through the mesh alone: SEMAGIC Eq. 8-10."""
    vertex = _nearest_vertices(queries, images)[queries.point]
    meshes = _projections(images)
    return by_image(queries.target, len(images), lambda image, rows: meshes[image].vertices[vertex[rows]])


def project_and_search(queries: Queries, images: Images, params: Correspondence) -> Float[Tensor, "Q 2"]:
    """Match through the mesh, then search among the target's principal components: SEMAGIC Eq. 8-11."""
    start = project(queries, images, params)
    reference = _search_references(queries, images, params.reference)
    maps = _components(images)

    def search(image: int, rows: Int64[Tensor, "K"]) -> Float[Tensor, "K 2"]:
        f = reference[queries.point[rows]]
        return local_search(f, maps[image], start[rows], images[image].region, params.window_area, params.map_size)

    return by_image(queries.target, len(images), search)


def project_and_guide(queries: Queries, images: Images, params: Correspondence) -> Float[Tensor, "Q 2"]:
    """Match by a search of the whole target that the mesh guides, which the paper does not have."""
    vertex, meshes, maps = _nearest_vertices(queries, images)[queries.point], _projections(images), _components(images)
    features = _sample(queries, maps)
    positions = required(images[0].vertex_positions, "vertex positions")
    field = required(images[0].vertex_features, "vertex features")

    def search(image: int, rows: Int64[Tensor, "K"]) -> Float[Tensor, "K 2"]:
        f, mesh, region = features[queries.point[rows]], meshes[image], images[image].region
        return guided_search(f, vertex[rows], maps[image], mesh, positions, field, region, params.guided)

    return by_image(queries.target, len(images), search)


def match_tokens(queries: Queries, images: Images, params: Correspondence) -> Float[Tensor, "Q 2"]:
    """Match by nearest neighbour among the patch features."""
    # Tokens are of unit length, so that no patch dominates the interpolation between patches.
    unit = [functional.normalize(image.tokens.double(), dim=-1, eps=1e-12) for image in images]
    return _match(queries, images, unit)


def match_components(queries: Queries, images: Images, params: Correspondence) -> Float[Tensor, "Q 2"]:
    """Match by nearest neighbour among the features' principal components."""
    return _match(queries, images, _components(images))


MESH_METHODS: dict[str, Method] = {"search": project_and_search, "projection": project, "guided": project_and_guide}
"""Ways to read matches off a trained model, by their names in `correspondence.reading`; every cell is scored by all."""
BASELINES: dict[str, Method] = {"nearest_neighbour": match_tokens, "pca_nearest_neighbour": match_components}
"""Methods without a model, by their entry in `evaluation.baselines`."""


def select_baselines(names: tuple[str, ...]) -> dict[str, Method]:
    """The baselines of these names.

    Raises:
        InputError: a name is unknown, or there is none.
    """
    for name in names:
        if name not in BASELINES:
            raise InputError(f"params.yaml: unknown entry '{name}' of evaluation.baselines. {nearest(name, BASELINES)}")
    if not names:
        raise InputError(f"params.yaml: evaluation.baselines is empty. Name one or more of {', '.join(BASELINES)}.")
    return {name: BASELINES[name] for name in names}


def _match(queries: Queries, images: Images, maps: Sequence[Float[Tensor, "T T C"]]) -> Float[Tensor, "Q 2"]:
    features = _sample(queries, maps)

    def match(image: int, rows: Int64[Tensor, "K"]) -> Float[Tensor, "K 2"]:
        return nearest_neighbour(features[queries.point[rows]], maps[image], images[image].allowed)

    return by_image(queries.target, len(images), match)


def _search_references(queries: Queries, images: Images, kind: str) -> Float[Tensor, "U C"]:
    """Features that the search looks for: the image's at a point, g at its vertex, or the mean of their directions."""
    sampled = _sample(queries, _components(images))
    if kind == "image":
        return sampled
    field = required(images[0].vertex_features, "vertex features")[_nearest_vertices(queries, images)]
    return field if kind == "field" else functional.normalize(sampled, dim=-1) + functional.normalize(field, dim=-1)


def _nearest_vertices(queries: Queries, images: Images) -> Int64[Tensor, "U"]:
    """Vertex of each distinct point (Eq. 10)."""
    meshes = _projections(images)
    return by_image(
        queries.source,
        len(images),
        lambda image, rows: nearest_visible_vertex(queries.points[rows], meshes[image]),
    )


def _components(images: Images) -> list[Float[Tensor, "T T K"]]:
    return [required(image.components, "components") for image in images]


def _projections(images: Images) -> list[Projection]:
    return [required(image.projection, "projection") for image in images]


def _sample(queries: Queries, maps: Sequence[Float[Tensor, "T T C"]]) -> Float[Tensor, "U C"]:
    """Feature of each distinct point in its own image."""
    return by_image(queries.source, len(maps), lambda image, rows: sample_map(maps[image], queries.points[rows]))
