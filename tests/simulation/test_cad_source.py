import json

import numpy as np
import pytest

from pipeline.base.errors import InputError
from pipeline.simulation.cad_source import read_models, shape_source, vary
from pipeline.simulation.semantics import mean_keypoints, semantic_coordinates
from pipeline.simulation.shapes import make_shape
from pipeline.simulation.shapes.shape import MAX_EDGE
from support.paths import GENUINE_PASCAL3D, needs_fixtures

OFF = "OFF\n4 4 0\n0 0 0\n2 0 0\n0 4 0\n0 0 6\n3 0 2 1\n3 0 1 3\n3 0 3 2\n3 1 2 3\n"


def write_model(root, name="01", keypoints=None):
    folder = root / "CAD" / "car"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.off").write_text(OFF)
    points = {"tip": {"x": 0, "y": 0, "z": 6}, "absent": None} if keypoints is None else keypoints
    (folder / f"{name}_keypoints.json").write_text(json.dumps(points))
    return folder


def test_a_model_becomes_normalised_instances_with_its_keypoints(tmp_path):
    write_model(tmp_path)
    (model,) = read_models(tmp_path, "car")
    shape = vary(model, 0.0, np.random.default_rng(0))
    size = np.array([2, 4, 6]) / np.sqrt(4 + 16 + 36)
    np.testing.assert_allclose(shape.vertices.max(axis=0), size / 2, atol=1e-6)
    np.testing.assert_allclose(shape.vertices.min(axis=0), -size / 2, atol=1e-6)
    assert set(shape.keypoints) == {"tip"}
    np.testing.assert_allclose(shape.keypoints["tip"], size * [-0.5, -0.5, 0.5])
    corners = shape.vertices[shape.faces]
    assert np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max() <= MAX_EDGE + 1e-6


def test_scales_are_log_normal_on_each_axis_and_colours_are_drawn_anew(tmp_path):
    write_model(tmp_path)
    (model,) = read_models(tmp_path, "car")
    shapes = [vary(model, 0.2, np.random.default_rng(seed)) for seed in range(200)]
    extents = np.array([np.ptp(shape.vertices, axis=0) for shape in shapes], float)
    # The ratio of two independent factors has twice the variance.
    ratio = np.log(extents[:, 1] / extents[:, 0])
    assert ratio.mean() == pytest.approx(np.log(2), abs=0.08)
    assert ratio.std() == pytest.approx(0.2 * np.sqrt(2), rel=0.2)
    assert len({shape.face_colours.tobytes() for shape in shapes}) == len(shapes)
    again = vary(model, 0.2, np.random.default_rng(7))
    assert again.vertices.tobytes() == shapes[7].vertices.tobytes()


def test_all_models_of_a_folder_are_used_in_order(tmp_path):
    write_model(tmp_path, "02", {"second": {"x": 0, "y": 0, "z": 0}})
    write_model(tmp_path, "01", {"first": {"x": 0, "y": 0, "z": 0}})
    assert [list(model.keypoints) for model in read_models(tmp_path, "car")] == [["first"], ["second"]]
    draw = shape_source("car", str(tmp_path), 0.1)
    assert {next(iter(draw(np.random.default_rng(seed)).keypoints)) for seed in range(20)} == {"first", "second"}


def test_without_a_folder_the_shapes_are_parametric():
    shape = shape_source("car", "", 0.1)(np.random.default_rng(5))
    assert shape.vertices.tobytes() == make_shape("car", np.random.default_rng(5)).vertices.tobytes()


def test_a_relative_folder_is_below_the_root(tmp_path):
    write_model(tmp_path / "mine")
    assert "tip" in shape_source("car", "mine", 0.1, root=tmp_path)(np.random.default_rng(0)).keypoints


@pytest.mark.parametrize("cad_dir", ["", "somewhere"])
def test_an_unknown_category_is_named(cad_dir, tmp_path):
    with pytest.raises(InputError, match="'cars'.*'car'"):
        shape_source("cars", cad_dir, 0.1, root=tmp_path)


def test_a_category_without_models_is_an_error_that_names_the_folder(tmp_path):
    with pytest.raises(InputError, match=r"CAD/car: .*01\.off"):
        shape_source("car", str(tmp_path), 0.1)
    (tmp_path / "CAD" / "car").mkdir(parents=True)
    with pytest.raises(InputError, match=r"CAD/car: .*01\.off"):
        shape_source("car", str(tmp_path), 0.1)


def test_a_missing_model_or_keypoint_file_is_named(tmp_path):
    folder = write_model(tmp_path)
    (folder / "01_keypoints.json").unlink()
    with pytest.raises(InputError, match=r"01_keypoints\.json"):
        read_models(tmp_path, "car")
    write_model(tmp_path)
    (folder / "01.off").unlink()
    with pytest.raises(InputError, match=r"01\.off"):
        read_models(tmp_path, "car")


@pytest.mark.parametrize(
    "content", ["{", "[1, 2]", '{"tip": {"x": 1, "y": 2}}', '{"tip": 3}', '{"tip": {"x": NaN, "y": 0, "z": 0}}']
)
def test_damaged_keypoints_are_named(tmp_path, content):
    folder = write_model(tmp_path)
    (folder / "01_keypoints.json").write_text(content)
    with pytest.raises(InputError, match=r"01_keypoints\.json"):
        read_models(tmp_path, "car")


def test_a_model_without_faces_is_named(tmp_path):
    folder = write_model(tmp_path)
    (folder / "01.off").write_text("OFF\n3 0 0\n0 0 0\n1 0 0\n0 1 0\n")
    with pytest.raises(InputError, match=r"01\.off.*0 faces"):
        read_models(tmp_path, "car")


def test_repeated_vertices_are_merged_and_separate_pieces_told_apart(tmp_path):
    folder = write_model(tmp_path)
    # Two triangles that share an edge through repeated vertices, one without area, and one on its own.
    (folder / "01.off").write_text(
        "OFF\n10 4 0\n0 0 0\n1 0 0\n0 1 0\n1 0 0\n0 1 0\n1 1 0\n5 5 5\n6 5 5\n5 6 5\n5 5 5\n"
        "3 6 7 8\n3 0 1 2\n3 3 5 4\n3 6 9 7\n"
    )
    (model,) = read_models(tmp_path, "car")
    assert len(model.vertices) == 7
    assert model.component.tolist() == [1, 0, 0]


@needs_fixtures
@pytest.mark.parametrize("category", ["aeroplane", "bottle", "chair"])
def test_genuine_models_and_parametric_shapes_agree_in_frame_and_names(category):
    (model,) = read_models(GENUINE_PASCAL3D, category)
    shape = vary(model, 0.0, np.random.default_rng(0))
    assert np.abs(shape.vertices).max() <= 0.5
    parametric = mean_keypoints([make_shape(category, np.random.default_rng(seed)) for seed in range(8)])
    assert set(shape.keypoints) == set(parametric.points)
    offsets = [np.linalg.norm(shape.keypoints[name] - parametric.points[name]) for name in shape.keypoints]
    assert np.mean(offsets) < 0.15, dict(zip(shape.keypoints, offsets, strict=True))

    varied = [vary(model, 0.12, np.random.default_rng(seed)) for seed in range(4)]
    mean = mean_keypoints(varied)
    # The model's own vertices come first, before those of the cut edges.
    originals = slice(0, len(model.vertices), 10)
    plain = np.std([one.vertices[originals] for one in varied], axis=0).mean()
    warped = np.std([semantic_coordinates(one, mean)[originals] for one in varied], axis=0).mean()
    assert warped < plain / 2
