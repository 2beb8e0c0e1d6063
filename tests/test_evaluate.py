"""The evaluation of one category, on a small world whose correspondences are known."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from scored_world import BOXES, CATEGORY, make_pair, make_projection, write_world
from tiny import tiny_params

from pipeline.correspondence import write_projections
from pipeline.data.instances import read_pairs_file
from pipeline.errors import InputError
from pipeline.evaluation import images
from pipeline.evaluation.evaluate import evaluate
from pipeline.evaluation.result import read_metrics, write_evaluation
from pipeline.images import write_mask
from pipeline.layout import Layout

ROWS = ["ours", "ours_no_search", "nearest_neighbour", "pca_nearest_neighbour"]


def world_params(**overrides):
    return tiny_params(**{"correspondence__size": 256, "pca__dims": 16, "features__grid": 32, **overrides})


def with_params(layout, **overrides):
    return Layout(layout.root, world_params(**overrides))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return write_world(tmp_path_factory.mktemp("world"), world_params())


@pytest.fixture(scope="module")
def result(world):
    return evaluate(world, CATEGORY)


def test_every_method_follows_the_known_map(result):
    assert list(result.metrics.pck) == ROWS
    for row in ROWS:
        assert result.metrics.pck[row]["0.1"].per_image > 0.95
    assert result.metrics.pck["ours"]["0.05"].per_image >= 0.99


def test_an_image_matched_to_itself_is_right_everywhere(result):
    own = result.points[(result.points["source"] == result.points["target"]) & (result.points["method"] == "ours")]
    assert len(own) == 24
    assert (own["error"] <= 0.01 * own["box_side"]).all()


def test_search_improves_on_the_mesh_alone(result):
    mean = result.points.groupby("method")["error"].mean()
    assert mean["ours"] < mean["ours_no_search"]


def test_metrics_state_pairs_digest_and_settings(world, result):
    metrics = result.metrics
    assert (metrics.pairs, metrics.points, metrics.skipped) == (9, 72, {})
    assert metrics.pairs_sha256 == read_pairs_file(world.pairs(CATEGORY)).sha256
    assert metrics.settings.split == "test"
    assert metrics.settings.backends.features == "benchmark"
    assert dataclasses.astuple(metrics.settings.switches) == (True, True, True, True, True)
    assert len(result.points) == 72 * len(ROWS)


def test_the_points_reproduce_the_scores(result):
    points = result.points[result.points["method"] == "nearest_neighbour"]
    correct = points["error"] <= 0.05 * points["box_side"]
    score = result.metrics.pck["nearest_neighbour"]["0.05"]
    assert score.per_point == pytest.approx(correct.mean())
    assert score.per_image == pytest.approx(correct.groupby(points["pair"]).mean().mean())
    error = np.hypot(points["x"] - points["target_x"], points["y"] - points["target_y"])
    np.testing.assert_allclose(points["error"], error)


def test_each_image_is_read_once(world, monkeypatch):
    reads = []
    monkeypatch.setattr(
        images, "read_tokens", lambda path, read=images.read_tokens: (reads.append(path), read(path))[1]
    )
    evaluate(world, CATEGORY)
    assert sorted(path.stem for path in reads) == sorted(BOXES)


def test_files_survive_reading_and_equal_scores_give_equal_bytes(world, result, tmp_path):
    write_evaluation(tmp_path / "a", result)
    write_evaluation(tmp_path / "b", evaluate(world, CATEGORY))
    assert read_metrics(tmp_path / "a") == result.metrics
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "a" / "pairs.parquet"), result.points)
    for name in ("metrics.json", "pairs.parquet"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert json.loads((tmp_path / "a" / "metrics.json").read_text())["pck"]["ours"]["0.1"].keys() == {
        "per_image",
        "per_point",
    }


@pytest.mark.parametrize("reference", ["field", "mean"])
def test_the_search_can_look_for_the_fields_feature(world, reference):
    layout = with_params(world, correspondence__reference=reference, evaluation__methods=["ours"])
    assert evaluate(layout, CATEGORY).metrics.pck["ours"]["0.05"].per_image >= 0.99


def test_without_search_both_rows_are_the_mesh(world):
    metrics = evaluate(with_params(world, correspondence__search=False), CATEGORY).metrics
    assert metrics.pck["ours"] == metrics.pck["ours_no_search"]


def test_the_feature_rows_need_neither_model_nor_components(tmp_path):
    layout = write_world(tmp_path, world_params(evaluation__methods=["nearest_neighbour"]))
    layout.pca(CATEGORY).unlink()
    (layout.predictions(CATEGORY) / "projections.safetensors").unlink()
    assert list(evaluate(layout, CATEGORY).metrics.pck) == ["nearest_neighbour"]


def test_neighbours_stay_within_the_photograph_and_the_mask(tmp_path):
    layout = write_world(tmp_path, world_params(evaluation__within_mask=True))
    mask = np.zeros((220, 240), bool)
    mask[100:108, 90:100] = True
    for name in BOXES:
        write_mask(layout.masks(CATEGORY) / f"{name}.png", mask)
    points = evaluate(layout, CATEGORY).points
    found = points[points["method"] == "nearest_neighbour"]
    assert found["x"].between(88, 102).all()
    assert found["y"].between(98, 110).all()


def test_a_pair_with_a_skipped_image_is_recorded_and_the_rest_goes_on(tmp_path):
    layout = write_world(tmp_path, world_params())
    (layout.features(CATEGORY) / "b.npz").unlink()
    metrics = evaluate(layout, CATEGORY).metrics
    assert metrics.pairs == 4
    assert sorted(metrics.skipped) == ["a-b", "b-a", "b-b", "b-c", "c-b"]
    assert "b.npz" in metrics.skipped["a-b"]


def test_an_image_without_prediction_is_skipped_for_all_methods(tmp_path):
    layout = write_world(tmp_path, world_params())
    path = layout.predictions(CATEGORY) / "projections.safetensors"
    write_projections(path, {name: make_projection(name, layout.params) for name in ("a", "c")})
    result = evaluate(layout, CATEGORY)
    assert result.metrics.pairs == 4
    assert set(result.points["method"]) == set(ROWS)
    assert "no prediction for the image 'b'" in result.metrics.skipped["b-a"]


def test_a_pair_without_common_keypoints_is_skipped(tmp_path):
    params = world_params()
    pairs = [make_pair("a", "b", params, count=0), make_pair("a", "c", params)]
    metrics = evaluate(write_world(tmp_path, params, pairs), CATEGORY).metrics
    assert (metrics.pairs, list(metrics.skipped)) == (1, ["a-b"])


def test_errors_name_what_is_missing_and_the_remedy(tmp_path):
    layout = write_world(tmp_path, world_params())
    with pytest.raises(InputError, match=r"'our'.*Did you mean 'ours'"):
        evaluate(with_params(layout, evaluation__methods=["our"]), CATEGORY)
    with pytest.raises(InputError, match=r"evaluation\.methods is empty"):
        evaluate(with_params(layout, evaluation__methods=[]), CATEGORY)
    path = layout.predictions(CATEGORY) / "projections.safetensors"
    write_projections(path, {name: make_projection(name, layout.params) for name in BOXES})
    with pytest.raises(InputError, match=r"reference is 'field'.*`predict`"):
        evaluate(with_params(layout, correspondence__reference="field"), CATEGORY)
    path.unlink()
    with pytest.raises(InputError, match=r"projections\.safetensors.*`predict`"):
        evaluate(layout, CATEGORY)
    for name in BOXES:
        (layout.features(CATEGORY) / f"{name}.npz").unlink()
    with pytest.raises(InputError, match=r"none of its pairs can be scored.*`features`"):
        evaluate(with_params(layout, evaluation__methods=["nearest_neighbour"]), CATEGORY)
    with pytest.raises(InputError, match=r"metrics\.json.*`evaluate`"):
        read_metrics(layout.evaluation(CATEGORY))
