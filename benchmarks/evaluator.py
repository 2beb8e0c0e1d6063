"""Throughput of the evaluation in pairs per second, compared with a plain evaluator: `semagic bench evaluator`.

Categories of the size of SPair-71k's test split, with synthetic features, are written in the formats of the pipeline's
stages. The evaluation then reads, matches, scores and tabulates them. All images show the same surface under different
shears, so that features of the same place agree up to noise. Set OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1, as
`stages` does for a stage. Otherwise parallel processes compete for the cores.
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
from pipeline.base.checksums import write_checksums
from pipeline.base.files import make_folder
from pipeline.base.seeding import seeded
from pipeline.config.categories import CATEGORIES
from pipeline.config.cells import Cell
from pipeline.config.params import Params, load_params
from pipeline.config.workspace import Workspace
from pipeline.evaluation.evaluate import evaluate_cell
from pipeline.evaluation.evaluate_baselines import evaluate_baselines
from pipeline.evaluation.result import write_evaluation
from pipeline.evaluation.scoring import Matches, find_matches, match_pairs, score
from pipeline.labels.components.pca import fit_pca, read_pca, write_pca
from pipeline.labels.features import Tokens, write_tokens
from pipeline.matching.images import prepare_image
from pipeline.matching.methods import BASELINES, MESH_METHODS
from pipeline.photographs.crops import from_crop, square_crop
from pipeline.photographs.lists import pair_list, read_instances, read_pairs, write_instances, write_pairs
from pipeline.photographs.records import Box, Instance, Pair
from pipeline.prediction.predictions import Prediction, Predictions, read_predictions, write_predictions
from pipeline.prediction.projection import Projection

T = TypeVar("T")
VARIANT, BACKBONE = "ours", "dinov2"
ALPHA = 0.1
VERTICES = 50
"""Number of vertices along each side of the mesh, which is a square patch."""


class CategorySize(NamedTuple):
    """Size of a synthetic category."""

    images: int
    pairs: int
    dims: int
    """Number of feature channels."""


SPAIR = CategorySize(images=27, pairs=700, dims=384)
"""Size of a category in the test split of SPair-71k, with the features of ViT-S."""


class Rate(NamedTuple):
    """Throughput of one method, or of all methods, at one size of the nearest-neighbour map, on one thread."""

    method: str
    map_size: int
    pairs_per_second: float
    """Pairs per second from the files to the table of matches."""
    matched_per_second: float
    """Pairs per second of the matching alone, after the images have been read."""
    plain_per_second: float
    """Pairs per second of the plain evaluator's matching, after the images have been read."""
    ratio: float
    """Ratio of `matched_per_second` to `plain_per_second`."""
    largest_difference: float
    """Largest difference of a coordinate between the matches of the two evaluators, in pixels."""
    equal_pck: bool
    """Whether both evaluators have the same PCK."""


class EvaluatorCost(NamedTuple):
    """Rates of all methods, and the time of the evaluation of all categories."""

    rates: tuple[Rate, ...]
    plain_pairs: int
    """Number of pairs on which the plain evaluator is timed and the matches are compared."""
    categories: int
    images: int
    pairs: int
    """Number of pairs of all categories together."""
    seconds: float
    """Time for all categories with all methods and mesh measures, including process start, reading and writing."""
    map_size: int
    """Size of the nearest-neighbour map for the measurement of `seconds`."""


def measure_evaluator(
    params: Params,
    map_sizes: Sequence[int] = (128, 448),
    size: CategorySize = SPAIR,
    plain_pairs: int = 6,
    processes: int = 2,
) -> EvaluatorCost:
    """Time the evaluation of categories of one size.

    Args:
        params: parameters with the categories, the feature grid and all settings of the evaluation.
        map_sizes: sizes of the nearest-neighbour map for the rates of the methods.
        size: size of each category.
        plain_pairs: number of pairs that the plain evaluator matches too.
        processes: number of parallel processes, with one thread each, for the evaluation of all categories. With 1,
            this process evaluates them.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder), params)
        for category in params.categories:
            write_category(workspace, category, size)
        sized = [_sized(workspace, map_size) for map_size in map_sizes]
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
    sizes = count, count * size.images, count * size.pairs
    return EvaluatorCost(rates, plain_pairs, *sizes, seconds, params.evaluation.map_size)


def write_category(workspace: Workspace, category: str, size: CategorySize) -> None:
    """Write the instances, pairs, features, principal components and predictions of one synthetic category."""
    images, pairs, dims = size
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
    # The pairs have an order of their own, as in the release.
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
    write_pairs(workspace.calibration_pairs(category), pair_list(category, "val", ()))
    # No image has a mask.
    make_folder(workspace.masks(category))
    for folder in (
        workspace.instances(category).parent,
        workspace.features(BACKBONE, category),
        workspace.masks(category),
    ):
        write_checksums(folder)
    pca = fit_pca(np.concatenate([image.reshape(-1, dims) for image in tokens]), params.pca.dims)
    write_pca(workspace.pca(BACKBONE, category), pca)
    field = torch.from_numpy(pca.to_unit(pca.project(np.cos(template @ waves + phases))))
    positions = torch.from_numpy(np.pad(template, ((0, 0), (0, 1)))).float()
    index = torch.arange(VERTICES**2).reshape(VERTICES, VERTICES)
    faces = torch.stack([index[:-1, :-1], index[1:, :-1], index[:-1, 1:]], -1).reshape(-1, 3)
    silhouette = torch.ones(params.correspondence.map_size, params.correspondence.map_size, dtype=torch.bool)
    score = torch.full((2,), torch.nan)
    predicted = {
        name: Prediction(found, positions.clone(), positions.sigmoid(), silhouette.clone(), score.clone())
        for name, found in projections.items()
    }
    predictions = Predictions(positions.clone(), faces, positions, field, predicted)
    write_predictions(workspace.predictions(Cell(VARIANT, BACKBONE, category, 0)), predictions)


def _sheared(points: np.ndarray, shear: float) -> np.ndarray:
    """Shear points of the crop. The inverse has the opposite sign of `shear`."""
    return np.stack([points[..., 0] + shear * np.sin(2 * np.pi * points[..., 1]), points[..., 1]], -1)


def _sized(workspace: Workspace, map_size: int) -> Workspace:
    params = workspace.params
    return Workspace(workspace.root, replace(params, evaluation=replace(params.evaluation, map_size=map_size)))


def _rates(workspace: Workspace, category: str, plain_pairs: int) -> list[Rate]:
    """Measure the rate of each method on one category."""
    size, pca = workspace.params.evaluation.map_size, read_pca(workspace.pca(BACKBONE, category))
    predictions = read_predictions(workspace.predictions(Cell(VARIANT, BACKBONE, category, 0)))
    instances, listed = read_instances(workspace.instances(category)), read_pairs(workspace.pairs(category))
    scored = [pair for pair in listed.pairs if pair.keypoint_ids]
    pairs = scored[:plain_pairs]
    used = {name for pair in pairs for name in (pair.source, pair.target)}
    images = {i.name: read_plain_image(workspace, BACKBONE, i, pca, predictions) for i in instances if i.name in used}
    correspondence, rates = workspace.params.correspondence, []
    for row, method in {**MESH_METHODS, **BASELINES}.items():
        given = predictions if row in MESH_METHODS else None
        prepared = {i.name: prepare_image(workspace, BACKBONE, i, pca, given) for i in instances}
        whole, matches = _timed(3, match_pairs, workspace, BACKBONE, listed, {row: method}, pca, given)
        matching, _ = _timed(3, find_matches, scored, prepared, {row: method}, correspondence)
        plain, found = _timed(2, match_pairs_plainly, [row], pairs, images, correspondence)
        per_second = len(listed.pairs) / whole, len(scored) / matching, len(pairs) / plain
        ratio = per_second[1] / per_second[2]
        rates.append(Rate(row, size, *per_second, ratio, *_compare(matches, pairs, found[row], row)))
    return [*rates, _all_methods(rates)]


def _all_methods(rates: Sequence[Rate]) -> Rate:
    """Rate of all methods executed one after the other."""
    whole, matched, plain = (
        1 / sum(1 / seconds for seconds in column)
        for column in zip(*((r.pairs_per_second, r.matched_per_second, r.plain_per_second) for r in rates), strict=True)
    )
    distance, same = max(rate.largest_difference for rate in rates), all(rate.equal_pck for rate in rates)
    return Rate("all", rates[0].map_size, whole, matched, plain, matched / plain, distance, same)


def _timed(repeats: int, action: Callable[..., T], *arguments: object) -> tuple[float, T]:
    """Time an action: the minimum over the repeats in seconds, and the result of the last one."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = action(*arguments)
        times.append(time.perf_counter() - start)
    return min(times), result


def _compare(matches: Matches, pairs: Sequence[Pair], plain: Sequence[np.ndarray], row: str) -> tuple[float, bool]:
    """Compare the matches of the first listed pairs: largest coordinate difference, and whether the PCK is equal."""
    points = matches.points.iloc[: sum(map(len, plain))]
    distance = np.abs(points[["x", "y"]].to_numpy() - np.concatenate(plain)).max()
    return float(distance), score(points, row, ALPHA).per_image == pck_of_pairs(pairs, plain, ALPHA)


def _evaluate(workspace: Workspace, category: str) -> None:
    """Run the stages `evaluate` and `baselines` for one category."""
    cell = Cell(VARIANT, BACKBONE, category, 0)
    write_evaluation(workspace.evaluation(cell), evaluate_cell(workspace, cell))
    write_evaluation(workspace.root / "baselines" / category, evaluate_baselines(workspace, BACKBONE, category))


if __name__ == "__main__":
    shipped = load_params()
    cost = measure_evaluator(replace(shipped, categories=tuple(CATEGORIES)))
    print(*cost.rates, cost._replace(rates=()), sep="\n")
