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
"""Of ICP from each quarter turn: enough to tell the turns, and the models of a category, apart."""


@dataclass(frozen=True)
class AlignmentOptions:
    """How meshes are sampled and aligned."""

    samples: int
    """Points on each surface."""
    coarse_samples: int
    """Of these, how many the search over turns and models uses."""
    iterations: int
    """Of ICP, at most, at each resolution."""
    trim: float
    """Share in [0, 1) of the correspondences, the longest, that each fit leaves out."""
    candidates: int
    """Models of a category that are aligned with all samples."""
    neighbours: Neighbours = SCIPY
    """How nearest points are found."""

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
    """With the scale at which the diagonals of the bounding boxes agree."""
    similarity: float
    """With the scale refined too; the number of the table."""


class CategoryReconstruction(NamedTuple):
    """The error to the model of a category that is nearest."""

    cad: int
    """Its index."""
    error: Reconstruction


class _Surface(NamedTuple):
    points: Float[np.ndarray, "N 3"]
    """In random order, so that the first of them are a coarser sample."""
    diagonal: float
    """Of the mesh's bounding box."""


class _Start(NamedTuple):
    """Outcome of the search over the quarter turns."""

    transform: Similarity
    error: float
    """Normalised Chamfer distance of the coarse samples."""


def reconstruction_error(mesh: Mesh, cad: Mesh, options: AlignmentOptions, rng: np.random.Generator) -> Reconstruction:
    """Error of a predicted mesh to one CAD model, usually the annotated one.

    The prediction may lie anywhere, in any size and turned by any multiple of 90 degrees about the vertical axis:
    without pose labels the front that a model learns is arbitrary. Beginning with equal centroids and diagonals, ICP
    on few points finds the best of the four turns, and ICP on all points refines it.

    The samples are finite: the error of a perfect reconstruction is not 0 but the mean distance between neighbouring
    samples, about 50 sqrt(area / samples) for a surface of that area in squared diagonals.

    Args:
        mesh: axes of the CAD frame (z up).
        cad: CAD frame.

    Raises:
        InputError: one of the meshes has no surface.
    """
    return best_of_category(mesh, [cad], options, rng).error


def best_of_category(
    mesh: Mesh, cads: Sequence[Mesh], options: AlignmentOptions, rng: np.random.Generator
) -> CategoryReconstruction:
    """The lowest error of a predicted mesh to any of a category's CAD models, see `reconstruction_error`.

    All models are ranked after the search over the turns; the first `options.candidates` of them are aligned, and the
    one with the lowest `similarity` is taken.

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
    rigid = _aligned_error(source, targets[best], starts[best].transform, False, options)
    return CategoryReconstruction(best, Reconstruction(rigid, errors[best]))


def _sampled(mesh: Mesh, options: AlignmentOptions, rng: np.random.Generator) -> _Surface:
    points = sample_surface(mesh.vertices, mesh.faces, options.samples, rng)
    # Files may hold vertices that no face uses.
    corners = mesh.vertices[np.unique(mesh.faces)].astype(np.float64)
    return _Surface(points, float(np.linalg.norm(np.ptp(corners, axis=0))))


def _search_turns(source: _Surface, target: _Surface, options: AlignmentOptions) -> _Start:
    """A few rigid iterations on the coarse samples from each quarter turn about z; the best of the four."""
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
    """Normalised Chamfer distance after ICP on the coarse samples, which is cheap, and then on all of them."""
    transform = start
    for count in (options.coarse_samples, options.samples):
        points, goal = source.points[:count], target.points[:count]
        transform = icp(points, goal, transform, with_scale, options.iterations, options.trim, options.neighbours)
    return normalised_chamfer(transform.apply(source.points), target.points, target.diagonal, options.neighbours)


def _quarter_turn(turn: int) -> Float[np.ndarray, "3 3"]:
    """Rotation by `turn` times 90 degrees about z, exact."""
    c, s = ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[turn]
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
