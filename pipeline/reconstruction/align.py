"""Error of a reconstruction (SEMAGIC section 4.3, Table 2): the Chamfer distance to a CAD model after alignment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from pipeline.base.errors import InputError
from pipeline.data.off import Mesh
from pipeline.reconstruction.chamfer import normalised_chamfer
from pipeline.reconstruction.icp import icp
from pipeline.reconstruction.neighbours import SCIPY, Neighbours
from pipeline.reconstruction.sampling import sample_surface
from pipeline.reconstruction.similarity import Similarity

SEARCH_ITERATIONS = 10
"""ICP iterations from each quarter turn. They suffice to distinguish the turns and the models of a category."""


@dataclass(frozen=True)
class AlignmentOptions:
    """Options for sampling and aligning meshes."""

    samples: int
    """Number of points sampled on each surface."""
    coarse_samples: int
    """Number of sampled points that the search over turns and models uses."""
    iterations: int
    """Maximum number of ICP iterations at each resolution."""
    trim: float
    """Share in [0, 1) of the correspondences, the longest ones, that each fit discards."""
    candidates: int
    """Number of CAD models of a category that are aligned with all samples."""
    neighbours: Neighbours = SCIPY
    """Nearest-neighbour search."""

    def __post_init__(self) -> None:
        if not 1 <= self.coarse_samples <= self.samples:
            raise InputError(
                f"Expected 1 <= coarse_samples <= samples, found {self.coarse_samples} and {self.samples}."
            )
        if min(self.iterations, self.candidates) < 1:
            raise InputError(
                f"Expected 1 or more iterations and candidates, found {self.iterations} and {self.candidates}."
            )
        if not 0 <= self.trim < 1:
            raise InputError(f"Expected a trimmed share in [0, 1), found {self.trim:g}.")


class Reconstruction(NamedTuple):
    """Chamfer distances in hundredths of the diagonal of the CAD model's bounding box."""

    rigid: float
    """Distance after an alignment that keeps the scale at which the diagonals of both bounding boxes are equal."""
    similarity: float
    """Distance after an alignment that also refines the scale. Table 2 reports this one."""


class NearestModel(NamedTuple):
    """The CAD model of a category that a prediction is nearest to."""

    cad: int
    """Index of the model in the sequence that was searched."""
    similarity: float
    """Distance to it, as in `Reconstruction`."""


class _Surface(NamedTuple):
    points: Float[np.ndarray, "N 3"]
    """Sampled points in random order, so that the first n of them are a coarser sample."""
    diagonal: float
    """Length of the diagonal of the mesh's bounding box."""


class _Start(NamedTuple):
    """Result of the search over the quarter turns."""

    transform: Similarity
    error: float
    """Normalised Chamfer distance of the coarse samples."""


def reconstruction_error(mesh: Mesh, cad: Mesh, options: AlignmentOptions, rng: np.random.Generator) -> Reconstruction:
    """Error of a predicted mesh with respect to one CAD model, usually the annotated one.

    The prediction may have any position and scale, and any rotation by a multiple of 90 degrees about the vertical
    axis: without pose labels the front that a model learns is arbitrary. All four rotations are tried. Each starts
    with equal centroids and diagonals. ICP on few points selects the best rotation, and ICP on all points refines it.

    The samples are finite, so the error of a perfect reconstruction is not 0. It is the mean distance between
    neighbouring samples, about 50 sqrt(area / samples) for an area in squared diagonals.

    Args:
        mesh: predicted mesh, along the axes of the CAD frame (z up).
        cad: CAD model, in the CAD frame.

    Raises:
        InputError: one of the meshes has no surface.
    """
    source, target = (_sampled(one, options, rng) for one in (mesh, cad))
    start = _search_turns(source, target, options).transform
    rigid, similarity = (_aligned_error(source, target, start, with_scale, options) for with_scale in (False, True))
    return Reconstruction(rigid, similarity)


def best_of_category(
    mesh: Mesh, cads: Sequence[Mesh], options: AlignmentOptions, rng: np.random.Generator
) -> NearestModel:
    """Lowest error of a predicted mesh with respect to any CAD model of a category, see `reconstruction_error`.

    All models are ranked by the coarse error after the search over the turns. The first `options.candidates` of them
    are aligned with all samples, with scale, and the model with the lowest error is returned.

    Raises:
        InputError: there is no model, or one of the meshes has no surface.
    """
    if not cads:
        raise InputError("Expected one or more CAD models to compare a reconstruction with, found none.")
    source = _sampled(mesh, options, rng)
    targets = [_sampled(cad, options, rng) for cad in cads]
    starts = [_search_turns(source, target, options) for target in targets]
    ranking = sorted(range(len(cads)), key=lambda i: starts[i].error)[: options.candidates]
    errors = {i: _aligned_error(source, targets[i], starts[i].transform, True, options) for i in ranking}
    best = min(ranking, key=errors.__getitem__)
    return NearestModel(best, errors[best])


def _sampled(mesh: Mesh, options: AlignmentOptions, rng: np.random.Generator) -> _Surface:
    points = sample_surface(mesh.vertices, mesh.faces, options.samples, rng)
    # Files may hold vertices that no face uses.
    corners = mesh.vertices[np.unique(mesh.faces)].astype(np.float64)
    return _Surface(points, float(np.linalg.norm(np.ptp(corners, axis=0))))


def _search_turns(source: _Surface, target: _Surface, options: AlignmentOptions) -> _Start:
    """Best of four rigid alignments: a few ICP iterations on the coarse samples from each quarter turn about z."""
    few, few_target = (surface.points[: options.coarse_samples] for surface in (source, target))
    scale = target.diagonal / source.diagonal
    starts = []
    for turn in range(4):
        initial = Similarity(scale, _quarter_turn(turn), np.zeros(3))
        shift = target.points.mean(axis=0) - initial.apply(source.points).mean(axis=0)
        initial = initial._replace(translation=shift)
        iterations = min(SEARCH_ITERATIONS, options.iterations)
        found = icp(few, few_target, initial, False, iterations, options.trim, options.neighbours)
        error = normalised_chamfer(found.apply(few), few_target, target.diagonal, options.neighbours)
        starts.append(_Start(found, error))
    return min(starts, key=lambda start: start.error)


def _aligned_error(
    source: _Surface, target: _Surface, start: Similarity, with_scale: bool, options: AlignmentOptions
) -> float:
    """Normalised Chamfer distance after ICP on the coarse samples, which is cheap, and then on all samples."""
    transform = start
    for count in (options.coarse_samples, options.samples):
        points, goal = source.points[:count], target.points[:count]
        transform = icp(points, goal, transform, with_scale, options.iterations, options.trim, options.neighbours)
    return normalised_chamfer(transform.apply(source.points), target.points, target.diagonal, options.neighbours)


def _quarter_turn(turn: int) -> Float[np.ndarray, "3 3"]:
    """Exact rotation by `turn` times 90 degrees about z."""
    c, s = ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[turn]
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
