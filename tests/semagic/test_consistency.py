"""What matches are worth without keypoints, beside a computation through the public model, pair by pair."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.opening import open_cell
from pipeline.evaluation.consistency import TARGETS, circular_queries, measure_consistency, returning, spread_points
from pipeline.labels.components.pca import read_pca
from pipeline.labels.masks import read_mask_label
from pipeline.matching.images import prepare_image
from pipeline.matching.methods import MESH_METHODS
from pipeline.photographs.crops import from_crop
from pipeline.prediction.predictions import read_predictions
from support.tiny_run import CELL


@given(st.lists(st.integers(1, 5), min_size=2, max_size=9))
def test_each_point_is_looked_for_in_the_photographs_that_follow(counts):
    points = [np.random.default_rng(i).random((count, 2)) for i, count in enumerate(counts)]
    queries = circular_queries(points)
    asked = set()
    for target, point in zip(queries.target.tolist(), queries.point.tolist(), strict=True):
        source = int(queries.source[point])
        assert 1 <= (target - source) % len(counts) <= TARGETS and target != source
        asked.add((point, target))
    assert len(asked) == len(queries.target) == sum(counts) * min(TARGETS, len(counts) - 1)
    np.testing.assert_array_equal(queries.points, np.concatenate(points))
    places = torch.rand(len(queries.target), 2, dtype=torch.float64)
    back = returning(queries, places)
    assert torch.equal(back.target, queries.source[queries.point])
    assert torch.equal(back.source[back.point], queries.target) and torch.equal(back.points[back.point], places)


@pytest.mark.parametrize("name", ["projection", "search"])
def test_measures_are_those_of_matching_there_and_back(run, model, name):
    workspace, cell = open_cell(run.root, CELL.variant, CELL.category)
    predictions, pca = read_predictions(run.predictions(cell)), read_pca(run.pca(cell.backbone, cell.category))
    methods = {name: MESH_METHODS[name]}
    measured = measure_consistency(workspace, cell.backbone, cell.category, methods, pca, predictions)[name]
    instances = workspace.evaluation_instances(cell.category)
    photos = [model.prepare(run.photograph(item), item.box) for item in instances]
    distances, cosines = [], []
    for i, (item, photo) in enumerate(zip(instances, photos, strict=True)):
        image = prepare_image(workspace, cell.backbone, item, pca, predictions)
        places = from_crop(spread_points(workspace, item, image), photo.image.crop)
        for step in range(1, min(TARGETS, len(photos) - 1) + 1):
            other = photos[(i + step) % len(photos)]
            there = model.match(photo, other, places, reading=name)
            back = model.match(other, photo, there.points, reading=name)
            size = max(item.box.width, item.box.height)
            distances += (np.linalg.norm(back.points - places, axis=1) / size).tolist()
            cosines += there.similarity.tolist()
    assert measured.images == len(photos) >= 2
    assert measured.returned == pytest.approx(np.mean(np.array(distances) <= 0.1))
    # torch's median is the lower one of two in the middle.
    assert measured.distance == pytest.approx(np.sort(distances)[(len(distances) - 1) // 2], abs=1e-9)
    assert measured.agreement == pytest.approx(np.mean(cosines), abs=1e-6)


def test_points_lie_on_the_mask(run):
    workspace, cell = open_cell(run.root, CELL.variant, CELL.category)
    for item in workspace.evaluation_instances(cell.category):
        image = prepare_image(workspace, cell.backbone, item, None, None)
        points = spread_points(workspace, item, image)
        mask = read_mask_label(workspace.mask(item))
        pixels = from_crop(points, image.crop)
        # The map of the mask is coarse: a pixel of it is a few of the photograph.
        near = [mask[max(int(y) - 3, 0) : int(y) + 4, max(int(x) - 3, 0) : int(x) + 4].any() for x, y in pixels]
        assert len(points) >= 5 and all(near)
