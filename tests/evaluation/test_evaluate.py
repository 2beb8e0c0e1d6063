"""The evaluation of a cell and of the baselines, on a small world whose correspondences are known."""

import dataclasses
import itertools
import json

import numpy as np
import pandas as pd
import pytest

from pipeline.base.checksums import write_checksums
from pipeline.base.errors import InputError
from pipeline.confidence.calibration import read_calibrations
from pipeline.config.workspace import Workspace
from pipeline.evaluation.evaluate import evaluate_cell
from pipeline.evaluation.evaluate_baselines import evaluate_baselines
from pipeline.evaluation.result import read_metrics, read_points, write_evaluation
from pipeline.matching import images
from pipeline.photographs.cameras import object_rotation
from pipeline.photographs.crops import sample_crop, square_crop
from pipeline.photographs.image_files import write_mask
from pipeline.photographs.lists import read_instances, read_pairs, write_instances
from pipeline.photographs.records import Viewpoint
from pipeline.prediction.predictions import read_predictions, write_predictions
from support.scored_world import (
    BACKBONE,
    BOXES,
    CATEGORY,
    CELL,
    make_pair,
    write_world,
)
from support.tiny import tiny_params

MESH_ROWS, BASELINE_ROWS = ["search", "projection", "guided"], ["nearest_neighbour", "pca_nearest_neighbour"]


def world_params(**overrides):
    return tiny_params(**{"correspondence__map_size": 256, "pca__dims": 16, "features__grid": 32, **overrides})


def with_params(workspace, **overrides):
    return Workspace(workspace.root, world_params(**overrides))


def predictions_path(workspace):
    return workspace.predictions(CELL) / "predictions.safetensors"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("world"), world_params())


@pytest.fixture(scope="module")
def result(world):
    return evaluate_cell(world, CELL)


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    """The same world, where a third of the annotated points of the calibration pairs lie somewhere else."""
    params, rng = world_params(), np.random.default_rng(0)
    taught = []
    for seed in range(4):
        for source, target in itertools.permutations(BOXES, 2):
            pair = make_pair(source, target, params, seed=seed)
            moved = pair.target_keypoints + 50.0 * (rng.random((8, 1)) < 1 / 3)
            taught.append(dataclasses.replace(pair, target_keypoints=moved))
    workspace = write_world(tmp_path_factory.mktemp("calibrated"), params, calibration=taught)
    return evaluate_cell(workspace, CELL)


@pytest.fixture(scope="module")
def baselines(world):
    return evaluate_baselines(world, BACKBONE, CATEGORY)


def test_every_method_follows_the_known_map(result, baselines):
    assert list(result.metrics.pck) == MESH_ROWS
    assert list(baselines.metrics.pck) == BASELINE_ROWS
    for evaluation in (result, baselines):
        for scores in evaluation.metrics.pck.values():
            assert scores["0.1"].per_image > 0.95
    assert result.metrics.pck["search"]["0.05"].per_image >= 0.99


def test_an_image_matched_to_itself_is_right_everywhere(result):
    own = result.points[(result.points["source"] == result.points["target"]) & (result.points["method"] == "search")]
    assert len(own) == 24
    assert (own["error"] <= 0.01 * own["box_side"]).all()


def test_search_improves_on_the_mesh_alone(result):
    mean = result.points.groupby("method")["error"].mean()
    assert mean["search"] < mean["projection"]


def test_probabilities_are_those_of_the_calibration_pairs(result, calibrated):
    assert list(calibrated.calibrations) == MESH_ROWS
    assert list(calibrated.metrics.confidence) == MESH_ROWS
    probability = calibrated.points["probability"]
    assert probability.between(0, 1).all()
    # Nothing tells which point was moved.
    assert probability.mean() == pytest.approx(2 / 3, abs=0.1)
    for measured in calibrated.metrics.confidence.values():
        assert measured.calibration_error == pytest.approx(1 / 3, abs=0.1)
    others = [column for column in result.points if column != "probability"]
    pd.testing.assert_frame_equal(calibrated.points[others], result.points[others])
    assert calibrated.metrics.pck == result.metrics.pck


def test_without_calibration_pairs_no_match_has_a_probability(result, baselines, tmp_path):
    assert result.points["probability"].isna().all()
    assert (result.calibrations, result.metrics.confidence) == ({}, {})
    assert "probability" not in baselines.points
    assert baselines.metrics.confidence == {}
    write_evaluation(tmp_path, baselines)
    assert not (tmp_path / "calibration.json").exists()


def test_metrics_state_pairs_digest_and_settings(world, result, baselines):
    for metrics, rows in ((result.metrics, MESH_ROWS), (baselines.metrics, BASELINE_ROWS)):
        assert (metrics.pairs, metrics.pairs_listed, metrics.points, metrics.skipped) == (9, 9, 72, {})
        assert metrics.pairs_sha256 == read_pairs(world.pairs(CATEGORY)).sha256
        assert (metrics.category, metrics.backbone, metrics.settings.split) == (CATEGORY, BACKBONE, "test")
        assert metrics.settings.backends.features == "simulated"
        assert list(metrics.pck) == rows
    assert (result.metrics.trained.variant, result.metrics.trained.seed) == ("ours", 0)
    assert dataclasses.astuple(result.metrics.trained.switches) == (*[True] * 4, "search", False, False)
    assert baselines.metrics.trained is None
    assert baselines.metrics.mesh is None
    assert len(result.points) == 72 * len(MESH_ROWS)


def test_the_points_reproduce_the_scores(baselines):
    points = baselines.points[baselines.points["method"] == "nearest_neighbour"]
    correct = points["error"] <= 0.05 * points["box_side"]
    score = baselines.metrics.pck["nearest_neighbour"]["0.05"]
    assert score.per_point == pytest.approx(correct.mean())
    assert score.per_image == pytest.approx(correct.groupby(points["pair"]).mean().mean())
    error = np.hypot(points["x"] - points["target_x"], points["y"] - points["target_y"])
    np.testing.assert_allclose(points["error"], error)


def test_each_image_is_read_once(world, monkeypatch):
    reads = []
    monkeypatch.setattr(
        images, "read_tokens", lambda path, read=images.read_tokens: (reads.append(path), read(path))[1]
    )
    evaluate_cell(world, CELL)
    assert sorted(path.stem for path in reads) == sorted(BOXES)


@pytest.mark.parametrize("kind", ["cell", "baselines"])
def test_files_survive_reading_and_equal_scores_give_equal_bytes(world, result, baselines, tmp_path, kind):
    evaluation = result if kind == "cell" else baselines
    again = evaluate_cell(world, CELL) if kind == "cell" else evaluate_baselines(world, BACKBONE, CATEGORY)
    write_evaluation(tmp_path / "a", evaluation)
    write_evaluation(tmp_path / "b", again)
    assert read_metrics(tmp_path / "a") == evaluation.metrics
    pd.testing.assert_frame_equal(read_points(tmp_path / "a"), evaluation.points)
    for name in ("metrics.json", "pairs.parquet"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    scores = json.loads((tmp_path / "a" / "metrics.json").read_text())["pck"]
    assert next(iter(scores.values()))["0.1"].keys() == {"per_image", "per_point"}


def test_calibrations_survive_reading(calibrated, tmp_path):
    write_evaluation(tmp_path, calibrated)
    assert read_metrics(tmp_path) == calibrated.metrics
    pd.testing.assert_frame_equal(read_points(tmp_path), calibrated.points)
    found = read_calibrations(tmp_path / "calibration.json")
    assert set(found) == set(MESH_ROWS)
    assert np.array_equal(found["search"].weights, calibrated.calibrations["search"].weights)


@pytest.mark.parametrize("reference", ["field", "mean"])
def test_the_search_can_look_for_the_fields_feature(world, reference):
    workspace = with_params(world, correspondence__reference=reference)
    assert evaluate_cell(workspace, CELL).metrics.pck["search"]["0.05"].per_image >= 0.99


def test_both_readings_are_scored_whichever_the_row_shows(world, result):
    other = evaluate_cell(with_params(world, correspondence__reading="projection"), CELL).metrics
    assert other.pck == result.metrics.pck
    assert other.trained.switches.reading == "projection"


def test_the_feature_rows_need_neither_model_nor_components(tmp_path):
    workspace = write_world(tmp_path, world_params(evaluation__baselines=["nearest_neighbour"]))
    workspace.pca(BACKBONE, CATEGORY).unlink()
    predictions_path(workspace).unlink()
    assert list(evaluate_baselines(workspace, BACKBONE, CATEGORY).metrics.pck) == ["nearest_neighbour"]


def test_neighbours_stay_within_the_photograph_and_the_mask(tmp_path):
    workspace = write_world(tmp_path, world_params(evaluation__within_mask=True))
    mask = np.zeros((220, 240), bool)
    mask[100:108, 90:100] = True
    for name in BOXES:
        write_mask(workspace.masks(CATEGORY) / f"{name}.png", mask)
    write_checksums(workspace.masks(CATEGORY))
    points = evaluate_baselines(workspace, BACKBONE, CATEGORY).points
    found = points[points["method"] == "nearest_neighbour"]
    assert found["x"].between(88, 102).all()
    assert found["y"].between(98, 110).all()


def test_a_pair_with_a_skipped_image_is_recorded_and_the_rest_goes_on(tmp_path):
    workspace = write_world(tmp_path, world_params())
    (workspace.features(BACKBONE, CATEGORY) / "b.npz").unlink()
    write_checksums(workspace.features(BACKBONE, CATEGORY))
    for metrics in (evaluate_cell(workspace, CELL).metrics, evaluate_baselines(workspace, BACKBONE, CATEGORY).metrics):
        assert (metrics.pairs, metrics.pairs_listed) == (4, 9)
        assert sorted(metrics.skipped) == ["a-b", "b-a", "b-b", "b-c", "c-b"]
        assert "b.npz" in metrics.skipped["a-b"]


def test_an_image_without_prediction_is_skipped_for_both_readings(tmp_path):
    workspace = write_world(tmp_path, world_params())
    predictions = read_predictions(workspace.predictions(CELL))
    kept = {name: predictions.images[name] for name in ("a", "c")}
    write_predictions(workspace.predictions(CELL), predictions._replace(images=kept))
    result = evaluate_cell(workspace, CELL)
    assert result.metrics.pairs == 4
    assert set(result.points["method"]) == set(MESH_ROWS)
    assert "no prediction for the image 'b'" in result.metrics.skipped["b-a"]


def test_a_pair_without_common_keypoints_is_skipped(tmp_path):
    params = world_params()
    pairs = [make_pair("a", "b", params, count=0), make_pair("a", "c", params)]
    metrics = evaluate_cell(write_world(tmp_path, params, pairs), CELL).metrics
    assert (metrics.pairs, list(metrics.skipped)) == (1, ["a-b"])


def test_meshes_are_measured_where_there_is_something_to_compare_with(tmp_path, result):
    """The world's silhouettes are the left half of the crop, its rotations the identity: a frontal view."""
    mesh = result.metrics.mesh
    assert (mesh.pose_images, mesh.pose_error, mesh.mask_iou) == (0, None, None)
    # All images see the same square, so that a keypoint is the same vertex in all of them, to a vertex's width.
    assert 0 <= mesh.drift < 0.01
    assert mesh.shape_variation == pytest.approx(0, abs=1e-7)
    workspace = write_world(tmp_path, world_params())
    azimuths = {"a": 0.0, "b": 90.0, "c": 90.0}
    instances = [
        dataclasses.replace(i, viewpoint=Viewpoint(azimuths[i.name], 0.0, 0.0, 12.0, 1.0, 120.0, 110.0, 3000.0))
        for i in read_instances(workspace.instances(CATEGORY))
    ]
    write_instances(workspace.instances(CATEGORY), instances)
    write_checksums(workspace.instances(CATEGORY).parent)
    full = np.ones((220, 240), bool)
    write_mask(workspace.masks(CATEGORY) / "a.png", full)
    write_checksums(workspace.masks(CATEGORY))
    mesh = evaluate_cell(workspace, CELL).metrics.mesh
    np.testing.assert_allclose(object_rotation(0, 0, 0), np.eye(3), atol=1e-12)
    assert (mesh.pose_images, mesh.quarter_turns) == (3, 1)
    assert mesh.pose_error == pytest.approx(0, abs=0.1)
    assert mesh.pose_error_raw == pytest.approx(90, abs=0.1)
    assert mesh.pose_within_30 == pytest.approx(2 / 3)
    # The crop of 'a' reaches beyond the photograph, where the mask ends.
    crop = square_crop(BOXES["a"], workspace.params.data.crop_margin)
    label = sample_crop(full.astype(np.uint8), crop, 64, smooth=False) > 0
    left = np.arange(64) < 32
    assert mesh.mask_iou == pytest.approx((label & left).sum() / (label | left).sum())


def test_errors_name_what_is_missing_and_the_remedy(tmp_path):
    workspace = write_world(tmp_path, world_params())
    with pytest.raises(InputError, match=r"'nearest_neighbor'.*Did you mean 'nearest_neighbour'"):
        evaluate_baselines(with_params(workspace, evaluation__baselines=["nearest_neighbor"]), BACKBONE, CATEGORY)
    with pytest.raises(InputError, match=r"evaluation\.baselines' must be a list of one item or more"):
        evaluate_baselines(with_params(workspace, evaluation__baselines=[]), BACKBONE, CATEGORY)
    predictions_path(workspace).unlink()
    with pytest.raises(InputError, match=r"predictions\.safetensors.*`predict`"):
        evaluate_cell(workspace, CELL)
    for name in BOXES:
        (workspace.features(BACKBONE, CATEGORY) / f"{name}.npz").unlink()
    write_checksums(workspace.features(BACKBONE, CATEGORY))
    with pytest.raises(InputError, match=r"none of its pairs in the split 'test' can be scored.*`features`"):
        evaluate_baselines(workspace, BACKBONE, CATEGORY)
    with pytest.raises(InputError, match=r"metrics\.json.*`evaluate`"):
        read_metrics(workspace.evaluation(CELL))
    path = workspace.evaluation(CELL) / "metrics.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    write_checksums(path.parent)
    with pytest.raises(InputError, match=r"metrics\.json: expected scores as JSON, found something else"):
        read_metrics(workspace.evaluation(CELL))
