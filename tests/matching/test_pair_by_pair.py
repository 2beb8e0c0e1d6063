"""The evaluation of whole categories against the plain evaluator, pair by pair and keypoint by keypoint."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.evaluator import CategorySize, measure_evaluator
from benchmarks.pair_by_pair import interpolate, match_pairs_plainly, pck_of_pairs, read_plain_image
from pipeline.base.checksums import write_checksums
from pipeline.evaluation.evaluate import evaluate_cell
from pipeline.evaluation.evaluate_baselines import evaluate_baselines
from pipeline.evaluation.scoring import find_matches
from pipeline.labels.components.pca import read_pca
from pipeline.labels.features import Tokens, write_tokens
from pipeline.matching.feature_map import sample_map
from pipeline.matching.images import prepare_image
from pipeline.matching.methods import BASELINES, MESH_METHODS
from pipeline.photographs.image_files import write_mask
from pipeline.photographs.lists import read_instances, read_pairs
from pipeline.prediction.predictions import read_predictions, write_predictions
from support.scored_world import (
    BACKBONE,
    BOXES,
    CATEGORY,
    CELL,
    DIMS,
    GRID,
    HEIGHT,
    SHEAR,
    WIDTH,
    make_pair,
    make_projection,
    token_grid,
    write_world,
)
from support.tiny import tiny_params


def world_params(**overrides):
    return tiny_params(**{"correspondence__map_size": 128, "pca__dims": 16, "features__grid": GRID, **overrides})


def write_rough_world(root, params):
    """`scored_world` with noise on the features, hidden vertices, and keypoints that are not where they should be.

    Some starts of the search are thereby outside of the photograph and of the crop.
    """
    rng = np.random.default_rng(3)
    pairs = []
    for number, (source, target) in enumerate((s, t) for s in BOXES for t in BOXES):
        pair = make_pair(source, target, params, count=number, seed=number)
        moved = pair.source_keypoints + rng.normal(0, 40, pair.source_keypoints.shape)
        pairs.append(dataclasses.replace(pair, source_keypoints=moved))
    workspace = write_world(root, params, pairs)
    predictions = read_predictions(workspace.predictions(CELL))
    images = {}
    for name, shear in SHEAR.items():
        noise = rng.normal(0, 0.7, (GRID, GRID, DIMS)).astype(np.float32)
        write_tokens(workspace.features(BACKBONE, CATEGORY) / f"{name}.npz", Tokens(token_grid(shear) + noise, None))
        projection = make_projection(name, params)
        apart = 30 * torch.from_numpy(rng.normal(size=projection.vertices.shape)).float()
        visible = torch.from_numpy(rng.random(len(projection.visible)) < (0.0 if name == "b" else 0.3))
        projection = projection._replace(vertices=projection.vertices + apart, visible=visible)
        images[name] = predictions.images[name]._replace(projection=projection)
        mask = np.zeros((HEIGHT, WIDTH), bool)
        mask[60:150, 70 : 70 if name == "c" else 140] = True
        write_mask(workspace.masks(CATEGORY) / f"{name}.png", mask)
    write_checksums(workspace.features(BACKBONE, CATEGORY))
    write_checksums(workspace.masks(CATEGORY))
    write_predictions(workspace.predictions(CELL), predictions._replace(images=images))
    return workspace


@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"correspondence__reference": "field", "evaluation__map_size": 100, "evaluation__within_mask": True},
        {"correspondence__reference": "mean", "evaluation__map_size": 24, "correspondence__window_area": 0.2},
        {"evaluation__map_size": 448, "correspondence__map_size": 100},
    ],
    ids=["shipped", "field", "mean", "paper"],
)
def test_the_numbers_are_those_of_the_plain_evaluator(tmp_path, overrides):
    params = world_params(**overrides)
    workspace = write_rough_world(tmp_path, params)
    pca = read_pca(workspace.pca(BACKBONE, CATEGORY))
    predictions = read_predictions(workspace.predictions(CELL))
    images = {
        instance.name: read_plain_image(workspace, BACKBONE, instance, pca, predictions)
        for instance in read_instances(workspace.instances(CATEGORY))
    }
    # The first pair has no keypoint.
    pairs = read_pairs(workspace.pairs(CATEGORY)).pairs[1:]
    for evaluation in (evaluate_cell(workspace, CELL), evaluate_baselines(workspace, BACKBONE, CATEGORY)):
        for row, scores in evaluation.metrics.pck.items():
            plain = match_pairs_plainly([row], pairs, images, params.correspondence)[row]
            points = evaluation.points[evaluation.points["method"] == row]
            np.testing.assert_allclose(points[["x", "y"]], np.concatenate(plain), rtol=0, atol=1e-9)
            for alpha in params.evaluation.alphas:
                assert scores[f"{alpha:g}"].per_image == pck_of_pairs(pairs, plain, alpha)


def test_answers_depend_neither_on_the_other_pairs_nor_on_threads(tmp_path):
    workspace = write_rough_world(tmp_path, world_params())
    pca = read_pca(workspace.pca(BACKBONE, CATEGORY))
    predictions = read_predictions(workspace.predictions(CELL))
    instances = read_instances(workspace.instances(CATEGORY))
    images = {i.name: prepare_image(workspace, BACKBONE, i, pca, predictions) for i in instances}
    pairs, methods = read_pairs(workspace.pairs(CATEGORY)).pairs[1:], {**MESH_METHODS, **BASELINES}
    together = find_matches(pairs, images, methods, workspace.params.correspondence)
    alone = [find_matches([pair], images, methods, workspace.params.correspondence) for pair in pairs]
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        threaded = find_matches(pairs, images, methods, workspace.params.correspondence)
    finally:
        torch.set_num_threads(threads)
    for row in methods:
        np.testing.assert_array_equal(together[row], np.concatenate([found[row] for found in alone]))
        np.testing.assert_array_equal(together[row], threaded[row])


def test_the_table_goes_through_pairs_and_in_each_through_the_methods(tmp_path):
    params = world_params()
    pairs = [make_pair("a", "b", params, 3), make_pair("c", "a", params, 0), make_pair("b", "a", params, 2, seed=1)]
    points = evaluate_baselines(write_world(tmp_path, params, pairs), BACKBONE, CATEGORY).points
    methods = ["nearest_neighbour", "pca_nearest_neighbour"]
    rows = [(0, "a", "b", m, str(k)) for m in methods for k in range(3)]
    rows += [(2, "b", "a", m, str(k)) for m in methods for k in range(2)]
    assert list(points[["pair", "source", "target", "method", "keypoint"]].itertuples(index=False, name=None)) == rows
    expected = [pairs[0], pairs[0], pairs[2], pairs[2]]
    for names, side in ((["source_x", "source_y"], "source_keypoints"), (["target_x", "target_y"], "target_keypoints")):
        np.testing.assert_array_equal(points[names], np.concatenate([getattr(pair, side) for pair in expected]))


@given(st.integers(0, 1000), st.floats(-0.25, 1.25), st.floats(-0.25, 1.25))
def test_the_plain_interpolation_is_the_same_function(seed, u, v):
    tokens, point = np.random.default_rng(seed).normal(size=(5, 5, 3)), np.array([u, v])
    expected = sample_map(torch.from_numpy(tokens), torch.from_numpy(point)).numpy()
    np.testing.assert_allclose(interpolate(tokens, point), expected, atol=1e-12)


def test_the_benchmark_measures_every_method_and_finds_the_same_numbers():
    params = dataclasses.replace(tiny_params(pca__dims=8), categories=("car", "bus"))
    size = CategorySize(images=4, pairs=12, dims=12)
    cost = measure_evaluator(params, (20,), size, plain_pairs=5, processes=1)
    assert [rate.method for rate in cost.rates] == [
        "search",
        "projection",
        "guided",
        "nearest_neighbour",
        "pca_nearest_neighbour",
        "all",
    ]
    assert all(rate.largest_difference <= 1e-9 and rate.equal_pck for rate in cost.rates)
    assert (cost.categories, cost.images, cost.pairs) == (2, 8, 24)
