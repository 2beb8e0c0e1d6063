"""The sections of `params.yaml` about results: correspondence, scores, their intervals, and Table 2."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pipeline.config.kinds import Count, Name, Pixels, Seed, Share
from pipeline.config.ranges import (
    Above,
    Ascending,
    AtLeast,
    AtMost,
    Below,
    Between,
    Containing,
    NotAbove,
    NotEmpty,
    Unique,
)


@dataclass(frozen=True)
class Guided:
    """Search of the whole target that the mesh guides, which the paper does not have.

    `pipeline/matching/guided_search.py` has the formula.
    """

    map_size: Pixels
    """Side of the map of candidates [pixels]."""
    field: Annotated[float, AtLeast(0)]
    """Weight of the similarity with the field at the vertex, where that with the source has 1."""
    image_spread: Annotated[float, Above(0)]
    """Distance from the projected vertex that costs a cosine of 1/2 [sides of the crop]."""
    template_spread: Annotated[float, Above(0)]
    """Distance on the template that costs a cosine of 1/2 [diagonals of the template]."""


@dataclass(frozen=True)
class Correspondence:
    """Transfer of keypoints through the template (SEMAGIC 3.3)."""

    subdivisions: Annotated[int, Between(0, 4)]
    """Number of times that each face is split into four.

    Some vertex is then close to any query.
    """
    map_size: Pixels
    """Side of the crop in the visibility test and in the local search [pixels]."""
    tolerance: Share
    """Depth by which a visible vertex may lie behind the surface [diagonals of the template]."""
    reading: Literal["projection", "search", "guided"]
    """How the tables read matches off a model: projection, search or guided; all are computed.

    `projection` is Eq. 8-10 alone, `search` adds the local search of Eq. 11, `guided` a search of the whole target.
    """
    window_area: Share
    """Area of the search window [area of the crop]."""
    reference: Literal["image", "field", "mean"]
    """Feature that the search looks for: image, field or mean.

    `image` is the image's feature at the query, `field` is g at the query's vertex, `mean` their mean direction.
    """
    guided: Guided


@dataclass(frozen=True)
class Evaluation:
    """Scores of the correspondences (SEMAGIC 4.2)."""

    alphas: Annotated[tuple[Annotated[float, Above(0), AtMost(1)], ...], Ascending(), Containing(0.1)]
    """Thresholds of PCK [longer sides of the target's box]."""
    baselines: Annotated[tuple[Name, ...], NotEmpty(), Unique()]
    """Feature baselines that are scored: nearest_neighbour, pca_nearest_neighbour."""
    map_size: Pixels
    """Side of the target's crop in which nearest neighbours are looked for [pixels]."""
    within_mask: bool
    """Whether nearest neighbours are looked for in the target's predicted mask alone."""


@dataclass(frozen=True)
class Bootstrap:
    """Intervals of differences to Ours: images are drawn anew, with all pairs that they are in."""

    replicates: Count
    """Number of draws of all images."""
    level: Annotated[float, Above(0), Below(1)]
    """Probability that an interval covers the true difference, from 0 to 1."""
    seed: Seed
    """Seed of the draws."""


@dataclass(frozen=True)
class Gallery:
    """Pages of photographs, matches and meshes that a person clicks: reports/pages."""

    rows: Annotated[tuple[Name, ...], Unique()]
    """Rows of Table 1 that a page shows, where they are run; all of them where none is."""
    photographs: Count
    """Largest number of photographs on a page.

    They are the first of the evaluated images, by name.
    """
    vertices: Annotated[int, AtLeast(0)]
    """Number of the template's vertices that can be clicked besides the keypoints.

    They lie as far apart as can be; each can be clicked on the photographs that show it.
    """


@dataclass(frozen=True)
class Reconstruction:
    """Table 2: predicted meshes against CAD models (SEMAGIC 4.3)."""

    variants: Annotated[tuple[Name, ...], Unique()]
    """Variants that are compared, which must be trained; an empty list leaves Table 2 out."""
    images: Count
    """Largest number of images of each category.

    They are the first of the evaluated images with an annotated CAD model, by name.
    """
    samples: Count
    """Number of points of each surface in the fine alignment."""
    coarse_samples: Annotated[Count, NotAbove("samples")]
    """Number of points of each surface in the coarse alignment."""
    iterations: Count
    """Largest number of iterations of an alignment."""
    trim: Annotated[float, AtLeast(0), Below(1)]
    """Share of the worst correspondences that an alignment leaves out, from 0 to 1."""
    candidates: Count
    """Number of CAD models that are aligned finely after all have been aligned coarsely."""
    neighbours: Literal["auto", "scipy", "kaolin"]
    """Search for nearest points: scipy on a core, kaolin on a GPU, or auto.

    `auto` is kaolin where it and a GPU are there. The two may take different ones of points that are equally near, and
    differ in the last digit.
    """
