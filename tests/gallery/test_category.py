"""The page of a category says what the evaluation says."""

import json
import re

import numpy as np
import pytest
import torch

from pipeline.base.errors import InputError
from pipeline.evaluation.result import read_points
from pipeline.gallery.answers import Answers
from pipeline.gallery.category import category_content, category_page, shown_rows
from pipeline.gallery.meshes import vertex_errors
from pipeline.gallery.packing import unpack
from pipeline.gallery.points import Points
from pipeline.matching.transfer import nearest_visible_vertex
from pipeline.photographs.crops import from_crop, to_crop
from pipeline.prediction.predictions import read_predictions
from support.finished_run import finished_run
from support.scored_world import BACKBONE, BOXES, CATEGORY, CELL, crop_of, make_predictions


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    workspace = finished_run(tmp_path_factory.mktemp("run"), gallery__vertices=20)
    return workspace, category_content(workspace, CATEGORY)


def test_rows_are_those_that_are_run(world):
    workspace, content = world
    assert [row["name"] for row in content["rows"]] == shown_rows(workspace) == ["ours", "nearest_neighbour"]
    assert content["rows"][1]["mesh"] is None
    assert content["simulated"] == ["photographs", "masks", "depth", "poses", "features"]


@pytest.mark.parametrize("row", [0, 1])
def test_answers_to_keypoints_are_those_of_the_evaluation(world, row):
    workspace, content = world
    folder = workspace.evaluation(CELL) if row == 0 else workspace.baselines(BACKBONE, CATEGORY)
    method = "search" if row == 0 else "nearest_neighbour"
    scored = read_points(folder)
    scored = scored[(scored["method"] == method) & (scored["source"] != scored["target"])]
    names = [photograph["name"] for photograph in content["photographs"]]
    places, probability = (unpack(content["rows"][row][key]) for key in ("places", "probability"))
    first = np.cumsum([0, *(photograph["points"] for photograph in content["photographs"])])
    # Several pairs annotate the same keypoint elsewhere; the page keeps the last one.
    points = unpack(content["points"])
    compared = 0
    for one in scored.itertuples():
        source, target = names.index(one.source), names.index(one.target)
        point = first[source] + content["photographs"][source]["keypoints"].index(one.keypoint)
        place = to_crop(np.array([one.source_x, one.source_y]), crop_of(one.source, workspace.params))
        if np.abs(points[point] - place).max() > 1e-4:
            continue
        found = from_crop(places[point, target], crop_of(one.target, workspace.params))
        np.testing.assert_allclose(found, [one.x, one.y], atol=0.01)
        if row == 0 and not np.isnan(one.probability):
            assert probability[point, target] == pytest.approx(one.probability, abs=0.003)
        compared += 1
    assert compared > 20


def test_the_mesh_on_the_page_is_the_predicted_one(world):
    workspace, content = world
    mesh = content["rows"][0]["mesh"]
    predictions = read_predictions(workspace.predictions(CELL))
    np.testing.assert_allclose(unpack(mesh["template"]), predictions.template, atol=1e-4)
    assert np.array_equal(unpack(mesh["faces"]), predictions.faces)
    for number, photograph in enumerate(content["photographs"]):
        image = predictions.images[photograph["name"]]
        np.testing.assert_allclose(unpack(mesh["deformed"])[number], image.deformed, atol=1e-4)
        np.testing.assert_allclose(unpack(mesh["albedo"])[number], image.albedo, atol=0.003)
        np.testing.assert_allclose(unpack(mesh["rotation"])[number], image.projection.rotation, atol=1e-4)
        crop = crop_of(photograph["name"], workspace.params)
        projected = image.projection.to_crop(crop)
        np.testing.assert_allclose(unpack(mesh["projected"])[number], projected.vertices, atol=1e-4)
        assert np.array_equal(unpack(mesh["visible"])[number], projected.visible)


def test_errors_are_spread_from_the_keypoints_as_the_slow_reference_says(world):
    workspace, _ = world
    predictions = make_predictions(workspace.params, read_predictions(workspace.predictions(CELL)).vertex_features)
    rng = np.random.default_rng(0)
    points = [Points(rng.uniform(0.2, 0.8, (3, 2)), ("x", "y")), Points(rng.uniform(0.2, 0.8, (2, 2)), ("y",))]
    answers = Answers(rng.uniform(0, 1, (5, 2, 2)), np.ones((5, 2)))
    crops = [crop_of(name, workspace.params) for name in list(BOXES)[:2]]
    projections = [
        predictions.images[name].projection.to_crop(crop) for name, crop in zip(list(BOXES)[:2], crops, strict=True)
    ]
    found = vertex_errors(predictions, points, projections, answers, size=0.5)
    # 'x' is annotated in one image alone, so that only 'y' can be judged, both ways round.
    first = np.linalg.norm(answers.places[1, 1] - points[1].places[0]) / 0.5
    second = np.linalg.norm(answers.places[3, 0] - points[0].places[1]) / 0.5
    at = [int(nearest_visible_vertex(torch.from_numpy(points[k].places[[1 - k]]), projections[k])[0]) for k in (0, 1)]
    template = predictions.template.numpy().astype(float)
    diagonal = np.linalg.norm(template.max(0) - template.min(0))
    for vertex in range(0, len(template), 37):
        weights = [np.exp(-np.sum((template[vertex] - template[k]) ** 2) / (0.06 * diagonal) ** 2 / 2) for k in at]
        if sum(weights) < 0.1:
            assert np.isnan(found[vertex])
        else:
            assert found[vertex] == pytest.approx(np.dot(weights, [first, second]) / sum(weights))


def test_the_page_stands_alone_and_nothing_that_it_shows_can_end_its_script(world, monkeypatch):
    workspace, _ = world
    page = category_page(workspace, CATEGORY)
    assert page == category_page(workspace, CATEGORY)
    markup = re.sub(r"<script[^>]*>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"(src|href)=\"(?!data:|\.\./index\.html|[a-z]+\.html)", markup)
    embedded = re.search(r'<script type="application/json" id="content">(.*?)</script>', page, re.DOTALL)
    assert json.loads(embedded[1])["category"] == CATEGORY
    assert "<" not in embedded[1]
    assert "Simulated" in markup


def test_a_missing_prediction_is_named(tmp_path):
    workspace = finished_run(tmp_path)
    (workspace.predictions(CELL) / "predictions.safetensors").unlink()
    with pytest.raises(InputError, match="`predict`"):
        category_page(workspace, CATEGORY)
