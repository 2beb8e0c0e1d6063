"""`semagic export`, `semagic match` and `semagic reconstruct` on a trained toy category."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import trimesh

from pipeline.base.errors import InputError
from pipeline.photographs.cameras import object_rotation
from pipeline.photographs.image_files import read_image
from pipeline.photographs.lists import read_pairs
from pipeline.photographs.records import Box, intersection_over_union
from pipeline.prediction.predictions import read_predictions
from support.command_line import semagic
from support.tiny_run import CELL


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "car"
    result = semagic("export", CELL.name, "--to", folder, "--root", run.root)
    assert "the bundle and" in result.output
    return folder


@pytest.fixture(scope="module")
def photographs(run):
    """Two photographs, with the boxes of their objects."""
    pair = read_pairs(run.pairs("car")).pairs[0]
    found = {instance.name: instance for instance in run.evaluation_instances("car")}
    return [(run.photograph(found[name]), found[name].box) for name in (pair.source, pair.target)]


def _text(box):
    return ",".join(f"{number:g}" for number in box)


def test_an_export_holds_every_instance_in_one_order(run, exported):
    predictions = read_predictions(run.predictions(CELL))
    table = pd.read_parquet(exported / "vertices.parquet")
    count = len(predictions.template)
    assert set(table["image"]) == set(predictions.images) and len(table) == count * len(predictions.images)
    for name, prediction in predictions.images.items():
        rows = table[table["image"] == name]
        assert np.array_equal(rows["vertex"], np.arange(count))
        assert np.array_equal(rows[["x", "y"]], prediction.projection.vertices[:count].numpy())
        assert np.array_equal(rows["visible"], prediction.projection.visible[:count].numpy())
        (mesh,) = trimesh.load_scene(exported / "instances" / f"{name}.glb", process=False).geometry.values()
        assert np.array_equal(mesh.vertices.astype(np.float32), prediction.deformed.numpy())
        assert np.array_equal(mesh.faces, predictions.faces.numpy())
        assert np.array_equal(mesh.vertices.astype(np.float32), rows[["object_x", "object_y", "object_z"]].to_numpy())
    keypoints = json.loads((exported / "keypoints.json").read_text())
    nodes = trimesh.load_scene(exported / "template.glb", process=False).graph.nodes
    assert keypoints and all(f"keypoint:{name}" in nodes for name in keypoints)


def test_an_export_is_replaced_and_nothing_else_is(run, exported, tmp_path):
    again = shutil.copytree(exported, tmp_path / "again")
    (again / "template.obj").write_text("old")
    semagic("export", CELL.name, "--to", again, "--root", run.root, "--formats", "glb")
    assert not (again / "template.obj").exists()
    assert (again / "template.glb").read_bytes() == (exported / "template.glb").read_bytes()
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("ten years")
    assert "found something else" in semagic("export", CELL.name, "--to", mine, "--root", run.root).stderr
    assert (mine / "thesis.txt").read_text() == "ten years"


@pytest.mark.parametrize("name", ["ours-dinov2-car-1", "car", "nothing/of/the/kind"])
def test_an_unknown_cell_is_an_error_that_names_those_there_are(run, name):
    result = semagic("export", name, "--to", "anywhere", "--root", run.root)
    assert result.exit_code == 1 and "trained are ours-dinov2-car-0" in result.stderr


def test_points_are_matched_as_the_model_does(model, run, exported, photographs, tmp_path):
    (a, box_a), (b, box_b) = photographs
    points = read_pairs(run.pairs("car")).pairs[0].source_keypoints
    given = [text for x, y in points for text in ("--points", f"{x},{y}")]
    boxes = ["--box-a", _text(box_a), "--box-b", _text(box_b)]
    result = semagic("match", exported, a, b, *given, *boxes, "--to", tmp_path / "found", "--json")
    assert result.exit_code == 0, result.stderr
    expected = model.match(model.prepare(a, box_a), model.prepare(b, box_b), points)
    table = pd.read_csv(tmp_path / "found" / "matches.csv")
    np.testing.assert_allclose(table[["x_a", "y_a"]], points, atol=0.005)
    np.testing.assert_allclose(table[["x_b", "y_b"]], expected.points, atol=0.005)
    np.testing.assert_allclose(table["probability"], expected.probability, atol=5e-5)
    content = json.loads(result.stdout)
    assert [row["x_b"] for row in content["matches"]] == expected.points[:, 0].tolist()
    assert content["model"] == CELL.name and content["a"]["box"] == pytest.approx(list(box_a), abs=1e-3)
    assert read_image(tmp_path / "found" / "matches.jpg").shape[1] > 640


def test_without_points_or_boxes_a_grid_over_the_object_is_matched(run, photographs, tmp_path):
    (a, box), (b, _) = photographs
    result = semagic("match", CELL.name, a, b, "--root", run.root, "--to", tmp_path)
    assert result.exit_code == 0, result.stderr
    table = pd.read_csv(tmp_path / "matches.csv")
    assert 10 <= len(table) <= 90
    # The predicted mesh is fitted to the box that was found.
    assert table["x_a"].between(box.x0 - 20, box.x1 + 20).all() and table["y_a"].between(box.y0 - 20, box.y1 + 20).all()


def test_a_box_is_found_about_where_the_object_is(model, photographs):
    found = [model.find_box(path) for path, _ in photographs]
    for one, (_, box) in zip(found, photographs, strict=True):
        assert intersection_over_union(Box(*one), box) > 0.5


def test_a_reconstruction_is_the_models_turned_into_the_camera(model, exported, photographs, tmp_path):
    path, box = photographs[0]
    result = semagic("reconstruct", exported, path, "--box", _text(box), "--to", tmp_path, "--json")
    assert result.exit_code == 0, result.stderr
    expected = model.reconstruct(model.prepare(path, box))
    scene = trimesh.load_scene(tmp_path / "mesh.glb", process=False)
    (mesh,) = scene.geometry.values()
    assert np.array_equal(mesh.vertices.astype(np.float32), expected.vertices)
    transform, _ = scene.graph["object"]
    np.testing.assert_allclose(transform[:3, :3], expected.rotation, atol=1e-6)
    pose = json.loads((tmp_path / "pose.json").read_text())
    assert json.loads(result.stdout) == pose
    angles = [pose[name] for name in ("azimuth", "elevation", "theta")]
    np.testing.assert_allclose(object_rotation(*angles), expected.rotation, atol=1e-5)
    assert read_image(tmp_path / "overlay.jpg").ndim == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--points", "1"], "X,Y in pixels"),
        (["--points", "1,nan"], "X,Y in pixels"),
        (["--box-a", "1,2,3"], "X0,Y0,X1,Y1 in pixels"),
    ],
)
def test_a_malformed_number_is_a_wrong_command_line(exported, photographs, arguments, message):
    (a, _), (b, _) = photographs
    result = semagic("match", exported, a, b, *arguments)
    assert result.exit_code == 2 and message in result.stderr


def test_what_cannot_be_matched_is_told_before_anything_is_written(run, exported, photographs, tmp_path):
    (a, _), (b, _) = photographs
    target = tmp_path / "out"
    cases = {
        "expected places in": ["match", exported, a, b, "--points", "9000,10"],
        "found no": ["match", exported, a, tmp_path / "missing.jpg"],
        "overlaps the image": ["match", exported, a, b, "--box-b", "9000,0,9100,50"],
        "unknown reading 'serch'": ["match", exported, a, b, "--reading", "serch"],
        "expected a model bundle": ["match", tmp_path / "nothing", a, b],
        "found a video": ["reconstruct", exported, _file(tmp_path / "film.mp4", b"\0\0\0\x18ftypmp42")],
    }
    for message, (command, *arguments) in cases.items():
        result = semagic(command, *arguments, "--to", target, "--root", run.root)
        assert result.exit_code == 1 and message in result.stderr, (command, result.stderr)
        assert not target.exists()


def _file(path, content):
    path.write_bytes(content)
    return path


def test_no_object_is_an_error_that_asks_for_a_box(model, photographs, monkeypatch):
    monkeypatch.setattr("semagic.category_model.find_box", lambda *_: None)
    with pytest.raises(InputError, match=r"expected a car, found nothing.*Pass the object's box"):
        model.find_box(photographs[0][0])
