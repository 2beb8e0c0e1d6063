"""How many pairs a second the evaluation scores, and how many a plain one: `python -m benchmarks.evaluator`.

Categories of the size of SPair-71k's test split with made-up features are written as the pipeline's stages write them;
the evaluation then reads, matches, scores and tabulates them. Images show one surface through a shear of their own, so
that features of the same place are alike, with noise on them. Set OMP_NUM_THREADS=1, and OPENBLAS_NUM_THREADS=1 too,
as `stages` does for a stage: processes side by side would get in each other's way.
"""

import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, TypeVar

import numpy as np
import torch

from benchmarks.pair_by_pair import match_pairs_plainly, pck_of_pairs, read_plain_image
from pipeline.base.seeding import seeded
from pipeline.config.categories import CATEGORIES
from pipeline.config.cells import Cell
from pipeline.config.params import Params, load_params
from pipeline.config.workspace import Workspace
from pipeline.evaluation.evaluate import evaluate_cell
from pipeline.evaluation.evaluate_baselines import evaluate_baselines
from pipeline.evaluation.result import write_evaluation
from pipeline.evaluation.scoring import Matches, find_matches, match_pairs, score
from pipeline.labels.features import Tokens, write_tokens
from pipeline.labels.features.pca import fit_pca, read_pca, write_pca
from pipeline.matching.images import prepare_image
from pipeline.matching.methods import BASELINES, MESH_METHODS
from pipeline.photographs.crops import from_crop, square_crop
from pipeline.photographs.records import Box, Instance, Pair
from pipeline.photographs.tables import pair_list, read_instances, read_pairs_file, write_instances, write_pairs
from pipeline.prediction.meshes import PredictedMeshes, write_meshes
from pipeline.prediction.projections import Predictions, Projection, read_projections, write_projections

T = TypeVar("T")
VARIANT, BACKBONE = "ours", "dinov2"
ALPHA = 0.1
VERTICES = 50
"""Along each side of the mesh, a square patch."""


class Rate(NamedTuple):
    """One method, or all of them, at one size of the map that nearest neighbours are looked for in; in one thread."""

    method: str
    map_size: int
    pairs_per_second: float
    """From the files to the table of matches."""
    matched_per_second: float
    """Of images that have been read."""
    plain_per_second: float
    """Of the plain evaluator, on images that have been read."""
    ratio: float
    """Of the last two."""
    largest_difference: float
    """Between the two evaluators' matches, in pixels."""
    equal_pck: bool


class EvaluatorCost(NamedTuple):
    """See the module."""

    rates: tuple[Rate, ...]
    plain_pairs: int
    """Pairs that the plain evaluator was timed on and the matches compared on."""
    categories: int
    images: int
    pairs: int
    """Of all categories."""
    seconds: float
    """All categories, with all methods and the measures of the meshes; the start of processes, reading and writing
    included."""
    map_size: int
    """Of the nearest neighbours in these seconds."""


def measure_evaluator(
    params: Params,
    map_sizes: Sequence[int] = (128, 448),
    images: int = 27,
    pairs: int = 700,
    dims: int = 384,
    plain_pairs: int = 6,
    processes: int = 2,
) -> EvaluatorCost:
    """Time the evaluation of categories of `images` images and `pairs` pairs each.

    Args:
        params: gives the categories, the grid of the features and all settings of the evaluation, but for `map_sizes`.
        dims: channels of the features.
        plain_pairs: number of a category's pairs that the plain evaluator does too.
        processes: evaluate categories side by side, in one thread each; one is this process itself.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder), params)
        for category in params.categories:
            write_category(workspace, category, images, pairs, dims)
        sized = [_sized(workspace, size) for size in map_sizes]
        rates = tuple(rate for at_size in sized for rate in _rates(at_size, params.categories[0], plain_pairs))
        start = time.perf_counter()
        if processes == 1:
            for category in params.categories:
                _evaluate(workspace, category)
        else:
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(processes, context, torch.set_num_threads, (1,)) as pool:
                list(pool.map(_evaluate, [workspace] * len(params.categories), params.categories))
        seconds = time.perf_counter() - start
    torch.set_num_threads(threads)
    count = len(params.categories)
    return EvaluatorCost(rates, plain_pairs, count, count * images, count * pairs, seconds, params.evaluation.map_size)


def write_category(workspace: Workspace, category: str, images: int, pairs: int, dims: int) -> None:
    """One category's instances, pairs, features, principal components and predictions."""
    params, rng = workspace.params, seeded(0, "evaluator benchmark", category)
    names = [f"{category}_{number:02d}" for number in range(images)]
    shears = dict(zip(names, rng.uniform(-0.08, 0.08, images), strict=True))
    waves, phases = rng.normal(0, 5, (2, dims)), rng.uniform(0, 2 * np.pi, dims)
    keypoints = rng.uniform(0.15, 0.85, (14, 2))
    centres = (np.arange(params.features.grid) + 0.5) / params.features.grid
    grid = np.stack(np.meshgrid(centres, centres), -1)
    side = np.linspace(0.05, 0.95, VERTICES)
    template = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    instances, projections, shown, tokens = [], {}, {}, []
    for name, shear in shears.items():
        x0, y0, width, height = rng.uniform([10, 10, 120, 120], [60, 60, 320, 320])
        box = Box(x0, y0, x0 + width, y0 + height)
        instances.append(
            Instance(category, name, "test", f"{name}.jpg", 400, 400, box, False, False, False, None, None)
        )
        crop = square_crop(box, params.data.crop_margin)
        features = np.cos(_sheared(grid, -shear) @ waves + phases) + rng.normal(0, 0.5, (*grid.shape[:2], dims))
        tokens.append(features.astype(np.float16).astype(np.float32))
        write_tokens(workspace.features(BACKBONE, category) / f"{name}.npz", Tokens(tokens[-1], None))
        moved = from_crop(_sheared(template, shear) + rng.normal(0, 0.02, 2), crop)
        visible = torch.from_numpy(rng.random(len(template)) < 0.6)
        projections[name] = Projection(torch.from_numpy(moved).float(), visible, torch.eye(3))
        shown[name] = from_crop(_sheared(keypoints, shear), crop), rng.random(len(keypoints)) < 0.8
    write_instances(workspace.instances(category), instances)
    boxes = {instance.name: instance.box for instance in instances}
    # In an order of their own, as the release lists them.
    chosen = rng.permutation(images * (images - 1))[:pairs]
    sources, others = np.divmod(chosen, images - 1)
    listed = []
    for source, target in zip(sources, others + (others >= sources), strict=True):
        (points, seen), (true, seen_too) = shown[names[source]], shown[names[target]]
        both = np.flatnonzero(seen & seen_too)
        ids = tuple(map(str, both.tolist()))
        ends = names[source], names[target]
        listed.append(Pair(category, *ends, ids, points[both], true[both], *(boxes[end] for end in ends), 0))
    write_pairs(workspace.pairs(category), pair_list(category, "test", listed))
    pca = fit_pca(np.concatenate([image.reshape(-1, dims) for image in tokens]), params.pca.dims)
    write_pca(workspace.pca(BACKBONE, category), pca)
    field = torch.from_numpy(pca.to_unit(pca.project(np.cos(template @ waves + phases))))
    positions = torch.from_numpy(np.pad(template, ((0, 0), (0, 1)))).float()
    folder = workspace.predictions(Cell(VARIANT, BACKBONE, category, 0))
    write_projections(folder / "projections.safetensors", Predictions(projections, positions, field))
    index = torch.arange(VERTICES**2).reshape(VERTICES, VERTICES)
    faces = torch.stack([index[:-1, :-1], index[1:, :-1], index[:-1, 1:]], -1).reshape(-1, 3)
    silhouette = torch.ones(params.correspondence.map_size, params.correspondence.map_size, dtype=torch.bool)
    meshes = PredictedMeshes(
        positions, faces, {name: positions.clone() for name in names}, {name: silhouette.clone() for name in names}
    )
    write_meshes(folder / "meshes.safetensors", meshes)


def _sheared(points: np.ndarray, shear: float) -> np.ndarray:
    """A map of the crop to itself whose inverse has the opposite sign."""
    return np.stack([points[..., 0] + shear * np.sin(2 * np.pi * points[..., 1]), points[..., 1]], -1)


def _sized(workspace: Workspace, map_size: int) -> Workspace:
    params = workspace.params
    return Workspace(workspace.root, replace(params, evaluation=replace(params.evaluation, map_size=map_size)))


def _rates(workspace: Workspace, category: str, plain_pairs: int) -> list[Rate]:
    """Of each method on one category."""
    size, pca = workspace.params.evaluation.map_size, read_pca(workspace.pca(BACKBONE, category))
    folder = workspace.predictions(Cell(VARIANT, BACKBONE, category, 0))
    predictions = read_projections(folder / "projections.safetensors")
    instances, listed = read_instances(workspace.instances(category)), read_pairs_file(workspace.pairs(category))
    scored = [pair for pair in listed.pairs if pair.keypoint_ids]
    pairs = scored[:plain_pairs]
    used = {name for pair in pairs for name in (pair.source, pair.target)}
    images = {i.name: read_plain_image(workspace, BACKBONE, i, pca, predictions) for i in instances if i.name in used}
    correspondence, rates = workspace.params.correspondence, []
    for row, method in {**MESH_METHODS, **BASELINES}.items():
        given = predictions if row in MESH_METHODS else None
        prepared = {i.name: prepare_image(workspace, BACKBONE, i, pca, given) for i in instances}
        whole, matches = _timed(3, match_pairs, workspace, BACKBONE, category, {row: method}, pca, given)
        matching, _ = _timed(3, find_matches, scored, prepared, {row: method}, correspondence)
        plain, found = _timed(2, match_pairs_plainly, [row], pairs, images, correspondence)
        per_second = len(listed.pairs) / whole, len(scored) / matching, len(pairs) / plain
        ratio = per_second[1] / per_second[2]
        rates.append(Rate(row, size, *per_second, ratio, *_compare(matches, pairs, found[row], row)))
    return [*rates, _all_methods(rates)]


def _all_methods(rates: Sequence[Rate]) -> Rate:
    """One after the other."""
    whole, matched, plain = (
        1 / sum(1 / seconds for seconds in column)
        for column in zip(*((r.pairs_per_second, r.matched_per_second, r.plain_per_second) for r in rates), strict=True)
    )
    distance, same = max(rate.largest_difference for rate in rates), all(rate.equal_pck for rate in rates)
    return Rate("all", rates[0].map_size, whole, matched, plain, matched / plain, distance, same)


def _timed(repeats: int, action: Callable[..., T], *arguments: object) -> tuple[float, T]:
    """The least time of some repeats in seconds, and what the last one gave."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = action(*arguments)
        times.append(time.perf_counter() - start)
    return min(times), result


def _compare(matches: Matches, pairs: Sequence[Pair], plain: Sequence[np.ndarray], row: str) -> tuple[float, bool]:
    """Largest distance of the matches of the first of the listed pairs, and whether their PCK is the same."""
    points = matches.points.iloc[: sum(map(len, plain))]
    distance = np.abs(points[["x", "y"]].to_numpy() - np.concatenate(plain)).max()
    return float(distance), score(points, row, ALPHA).per_image == pck_of_pairs(pairs, plain, ALPHA)


def _evaluate(workspace: Workspace, category: str) -> None:
    """What the stages `evaluate` and `baselines` do for one category."""
    cell = Cell(VARIANT, BACKBONE, category, 0)
    write_evaluation(workspace.evaluation(cell), evaluate_cell(workspace, cell))
    write_evaluation(workspace.root / "baselines" / category, evaluate_baselines(workspace, BACKBONE, category))


if __name__ == "__main__":
    shipped = load_params()
    cost = measure_evaluator(replace(shipped, categories=CATEGORIES))
    print(*cost.rates, cost._replace(rates=()), sep="\n")
