"""A trained category among MLflow's models: registered once, loaded without the command line, same answers."""

import base64
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.config.opening import open_workspace
from pipeline.photographs.lists import read_pairs
from pipeline.tracking.models import register_model
from pipeline.tracking.store import Store
from semagic import InputError
from semagic.pyfunc import PointMatcher
from support.tiny_run import CELL


@pytest.fixture(scope="module")
def pair(run):
    return read_pairs(run.pairs("car")).pairs[0]


@pytest.fixture(scope="module")
def rows(run, pair):
    """The keypoints of a pair, as rows of inputs."""
    paths = {item.name: str(run.photograph(item)) for item in run.evaluation_instances("car")}
    boxes = [",".join(map(str, box)) for box in (pair.source_box, pair.target_box)]
    columns = {"a": paths[pair.source], "b": paths[pair.target], "box_a": boxes[0], "box_b": boxes[1]}
    return pd.DataFrame({**dict(zip("xy", pair.source_keypoints.T, strict=True)), **columns})


def test_a_registered_model_gives_the_models_answers(run, model, pair, rows, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    workspace = open_workspace(run.root)
    store = Store(run.root, "test")
    with warnings.catch_warnings():
        # MLflow warns of its own habits.
        warnings.simplefilter("ignore")
        assert register_model(workspace, store, CELL)
        assert not register_model(workspace, store, CELL)
        import mlflow

        (registered,) = mlflow.search_logged_models(output_format="list", experiment_ids=[store._experiment])
        assert registered.name == CELL.name and registered.tags["variant"] == CELL.variant
        loaded = mlflow.pyfunc.load_model(f"models:/{registered.model_id}")
        found = loaded.predict(rows)
    assert loaded.metadata.metadata["licence"] == "apache-2.0"
    a, b = (model.prepare(rows[name][0], box) for name, box in (("a", pair.source_box), ("b", pair.target_box)))
    expected = model.match(a, b, pair.source_keypoints)
    np.testing.assert_array_equal(found[["x", "y"]], expected.points)
    np.testing.assert_allclose(found["probability"], expected.probability, atol=1e-9)
    assert found["visible"].tolist() == expected.visible.tolist()


def test_boxes_that_are_missing_are_found(model, rows):
    matcher = PointMatcher(model)
    bare = rows[["a", "b", "x", "y"]].head(1)
    a, b = (model.prepare(rows[name][0], model.find_box(rows[name][0])) for name in "ab")
    expected = model.match(a, b, bare[["x", "y"]].to_numpy())
    np.testing.assert_array_equal(matcher.predict(bare)[["x", "y"]], expected.points)
    empty = rows.head(1).assign(box_a="", box_b=None)
    np.testing.assert_array_equal(matcher.predict(empty)[["x", "y"]], expected.points)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"a": "nowhere.jpg"}, "expected the path of a photograph, or a file in base64"),
        ({"a": base64.b64encode(b"no picture").decode()}, "10 bytes that are none"),
        ({"box_a": "1,2,x,4"}, "expected a box 'x0,y0,x1,y1'"),
        ({"x": np.nan}, "finite numbers"),
    ],
)
def test_rows_that_make_no_sense_are_refused(model, rows, change, message):
    with pytest.raises(InputError, match=message):
        PointMatcher(model).predict(rows.head(1).assign(**change))


def test_a_photograph_may_come_in_base64(model, rows):
    """It is read as pixels, of which simulated features cannot be made: the model says so."""
    text = base64.b64encode(Path(rows["a"][0]).read_bytes()).decode()
    with pytest.raises(InputError, match="simulated from the truth beside a photograph"):
        PointMatcher(model).predict(rows.head(1).assign(a=text))
