"""The public model of a category: the stages' answers to the last bit, and what it refuses."""

import shutil

import numpy as np
import pandas as pd
import pytest
import torch

import semagic
from pipeline.config.opening import open_cell
from pipeline.config.profiles import merge_text
from pipeline.labels.components.pca import Pca, fit_pca, read_pca, write_pca
from pipeline.model.deformable import InputSizes, build_model
from pipeline.model.saved import save_model
from pipeline.photographs.crops import to_crop
from pipeline.photographs.image_files import read_image, write_image
from pipeline.photographs.lists import read_pairs
from pipeline.prediction.predictions import read_predictions
from semagic import CategoryModel, InputError
from support.tiny_run import CELL, run_stage


@pytest.fixture(scope="module")
def instances(run):
    return {instance.name: instance for instance in run.evaluation_instances("car")}


@pytest.fixture(scope="module")
def photos(run, model, instances):
    return {name: model.prepare(run.photograph(item), item.box) for name, item in instances.items()}


@pytest.fixture(scope="module")
def pairs(run):
    return read_pairs(run.pairs("car")).pairs


@pytest.fixture(scope="module")
def scored(run):
    """The table of the stage `evaluate`."""
    return pd.read_parquet(next(run.evaluation(CELL).glob("*.parquet")))


@pytest.mark.parametrize("method", ["search", "projection", "guided"])
def test_matches_are_those_of_the_evaluation(model, photos, pairs, scored, method):
    assert len(pairs) == 8
    for position, pair in enumerate(pairs):
        rows = scored[(scored["pair"] == position) & (scored["method"] == method)]
        found = model.match(photos[pair.source], photos[pair.target], pair.source_keypoints, reading=method)
        assert np.array_equal(found.points, rows[["x", "y"]].to_numpy())
        np.testing.assert_allclose(found.probability, rows["probability"], atol=1e-9)
        assert np.isfinite(found.probability).all()


def test_a_model_that_was_not_evaluated_has_no_probabilities(run, photos, pairs, tmp_path):
    root = tmp_path / "moved"
    shutil.copytree(run.root, root)
    shutil.rmtree(root / "evaluation")
    pair = pairs[0]
    a, b = photos[pair.source], photos[pair.target]
    moved = CategoryModel.load(open_cell(root, CELL.variant, CELL.category)[0].model(CELL))
    assert np.isnan(moved.match(a, b, pair.source_keypoints).probability).all()
    folder, calibration = run.model(CELL), run.calibration(CELL)
    given = CategoryModel.load(folder, calibration=calibration).match(a, b, pair.source_keypoints)
    assert np.isfinite(given.probability).all()
    with pytest.raises(InputError, match=r"calibration\.json.*`evaluate`"):
        CategoryModel.load(folder, calibration=root / "calibration.json")


def test_threads_and_batches_change_nothing(model, photos, pairs):
    pair = pairs[0]
    a, b = photos[pair.source], photos[pair.target]
    whole = model.match(a, b, pair.source_keypoints)
    torch.set_num_threads(2)
    try:
        parts = [model.match(a, b, [point]) for point in pair.source_keypoints.tolist()]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert np.array_equal(np.concatenate([part.points for part in parts]), whole.points)
    assert np.array_equal(np.concatenate([part.visible for part in parts]), whole.visible)
    probability = np.concatenate([part.probability for part in parts])
    np.testing.assert_allclose(probability, whole.probability, atol=1e-9)
    np.testing.assert_allclose(np.concatenate([part.similarity for part in parts]), whole.similarity, atol=1e-12)


def test_reconstructions_are_those_of_the_stage_predict(run, model, instances, photos):
    predictions = read_predictions(run.predictions(CELL))
    count = len(predictions.template)
    for name in instances:
        mesh, stored = model.reconstruct(photos[name]), predictions.images[name]
        assert np.array_equal(mesh.vertices, stored.deformed.numpy())
        assert np.array_equal(mesh.faces, predictions.faces.numpy())
        assert np.array_equal(mesh.rotation, stored.projection.rotation.numpy())
        assert np.array_equal(mesh.pixels, stored.projection.vertices[:count].numpy())
        assert np.array_equal(mesh.visible, stored.projection.visible[:count].numpy())


def test_refined_poses_are_those_of_the_stage_predict(run, instances, photos, tmp_path):
    """The same weights, with poses that are searched for."""
    root = tmp_path / "refined"
    shutil.copytree(run.root, root)
    text = merge_text((root / "params.yaml").read_text(), {"refine": {"enabled": True, "rounds": 16}}, "refined run")
    (root / "params.yaml").write_text(text)
    run_stage(root, "predict")
    refined = open_cell(root, CELL.variant, CELL.category)[0]
    predictions, model = read_predictions(refined.predictions(CELL)), CategoryModel.load(refined.model(CELL))
    for name, instance in instances.items():
        mesh = model.reconstruct(model.prepare(refined.photograph(instance), instance.box))
        stored = predictions.images[name].projection
        assert np.array_equal(mesh.rotation, stored.rotation.numpy())
        assert np.array_equal(mesh.pixels, stored.vertices[: len(mesh.pixels)].numpy())
        assert not np.allclose(mesh.rotation, photos[name].prediction.projection.rotation.numpy(), atol=1e-3)
    refined.foreground(CELL.backbone, CELL.category).unlink()
    with pytest.raises(InputError, match=r"foreground\.safetensors.*stage `pca`"):
        CategoryModel.load(refined.model(CELL))


def test_a_photograph_matches_itself(model, photos):
    """Visible vertices are found where they are, by features that are the same."""
    photo = next(iter(photos.values()))
    mesh = model.reconstruct(photo)
    points = mesh.pixels[mesh.visible]
    found = model.match(photo, photo, points, reading="projection")
    np.testing.assert_allclose(found.points, points, atol=1e-4)
    assert found.visible.all()
    np.testing.assert_allclose(found.similarity, 1, atol=1e-5)


def test_visible_is_said_of_the_shared_vertex_in_the_target(model, photos, pairs):
    """By projection a visible vertex of one photograph is found exactly at the same vertex in the other."""
    a, b = photos[pairs[0].source], photos[pairs[0].target]
    source, target = model.reconstruct(a), model.reconstruct(b)
    found = model.match(a, b, source.pixels[source.visible], reading="projection")
    np.testing.assert_allclose(found.points, target.pixels[source.visible], atol=1e-4)
    assert np.array_equal(found.visible, target.visible[source.visible])
    assert 0 < found.visible.mean() < 1


def between(grid, u, v):
    """Value at (u, v) of the crop of a grid of patches, interpolated between the four nearest centres."""
    last = len(grid) - 1
    x, y = (np.clip(value * len(grid) - 0.5, 0, last) for value in (u, v))
    left, top = int(x), int(y)
    right, bottom = min(left + 1, last), min(top + 1, last)
    x, y = x - left, y - top
    upper = (1 - x) * grid[top, left] + x * grid[top, right]
    lower = (1 - x) * grid[bottom, left] + x * grid[bottom, right]
    return (1 - y) * upper + y * lower


@pytest.mark.parametrize("reading", ["projection", "search", "guided"])
def test_similarity_is_the_cosine_of_the_components_at_both_points(run, model, photos, pairs, reading):
    a, b, pca = photos[pairs[0].source], photos[pairs[0].target], read_pca(run.pca("dinov2", "car"))
    found = model.match(a, b, pairs[0].source_keypoints, reading)
    for query, answer, similarity in zip(pairs[0].source_keypoints, found.points, found.similarity, strict=True):
        f, g = (
            between(pca.project(photo.image.tokens.numpy()).astype(float), *to_crop(point, photo.image.crop))
            for photo, point in ((a, query), (b, answer))
        )
        assert similarity == pytest.approx(f @ g / np.linalg.norm(f) / np.linalg.norm(g), abs=1e-9)


def test_no_points_have_no_matches(model, photos):
    photo = next(iter(photos.values()))
    found = model.match(photo, photo, np.zeros((0, 2)))
    assert found.points.shape == (0, 2) and len(found.visible) == len(found.similarity) == 0


@pytest.mark.parametrize("points", [[1.0, 2.0], [[1.0, 2.0, 3.0]], [[np.nan, 1.0]], []])
def test_points_that_are_none_are_refused(model, photos, points):
    photo = next(iter(photos.values()))
    with pytest.raises(InputError, match=r"finite numbers \[N, 2\]"):
        model.match(photo, photo, points)


def test_the_reading_is_the_variants_and_another_is_refused(model, photos, pairs):
    a, b = photos[pairs[0].source], photos[pairs[0].target]
    found = [model.match(a, b, pairs[0].source_keypoints, reading=reading) for reading in (None, "search", "guided")]
    assert np.array_equal(found[0].points, found[1].points)
    assert not np.array_equal(found[0].points, found[2].points)
    with pytest.raises(InputError, match="unknown reading 'guidance'. Did you mean 'guided'"):
        model.match(a, b, pairs[0].source_keypoints, reading="guidance")


def test_a_photograph_of_another_model_is_refused(model, photos):
    photo = next(iter(photos.values()))
    other = photo._replace(cell=CELL._replace(seed=1))
    with pytest.raises(InputError, match="ours-dinov2-car-0, has prepared; ours-dinov2-car-1 has"):
        model.match(photo, other, [[1.0, 2.0]])
    with pytest.raises(InputError, match="Prepare it with this model"):
        model.reconstruct(other)


@pytest.mark.parametrize(
    "box", [(0.0, 0.0, 10.0), (5.0, 5.0, 5.0, 9.0), (-9.0, -9.0, -1.0, -1.0), (0.0, 0.0, np.inf, 9.0)]
)
def test_a_box_that_is_none_is_refused(run, model, instances, box):
    instance = next(iter(instances.values()))
    with pytest.raises(InputError, match=rf"{instance.name}.*expected a box"):
        model.prepare(run.photograph(instance), box)


def test_photographs_that_cannot_be_used_are_refused(run, model, instances, tmp_path):
    instance = next(iter(instances.values()))
    image = read_image(run.photograph(instance))
    with pytest.raises(InputError, match="expected an image file, found none"):
        model.prepare(tmp_path / "none.jpg", instance.box)
    with pytest.raises(InputError, match="expected a square crop round the object"):
        model.prepare(run.photograph(instance))
    with pytest.raises(InputError, match=r"found \[\d+, \d+\] of the type uint8"):
        model.prepare(image[..., 0], instance.box)
    with pytest.raises(InputError, match="of the type float64"):
        model.prepare(image / 255, instance.box)


def test_simulated_features_need_the_truth(run, model, instances, tmp_path):
    instance = next(iter(instances.values()))
    shutil.copy(run.photograph(instance), tmp_path)
    with pytest.raises(InputError, match="no truth beside this photograph"):
        model.prepare(tmp_path / run.photograph(instance).name, instance.box)
    with pytest.raises(InputError, match="simulated from the truth beside a photograph; pixels have none"):
        model.prepare(read_image(run.photograph(instance)), instance.box)


@pytest.fixture(scope="module")
def sift(run, tmp_path_factory):
    """A model on SIFT features, whose weights have not been trained, and its principal components."""
    root = tmp_path_factory.mktemp("sift")
    text = (run.root / "params.yaml").read_text(encoding="utf-8")
    (root / "params.yaml").write_text(merge_text(text, {"features": {"backend": "sift"}}, "test"), encoding="utf-8")
    workspace, cell = open_cell(root, CELL.variant, CELL.category)
    params = workspace.params
    tokens = np.random.default_rng(0).random((500, 128)).astype(np.float32)
    write_pca(workspace.pca(cell.backbone, cell.category), fit_pca(tokens, params.pca.dims))
    model = build_model(params.model, InputSizes(params.features.grid, 128, params.pca.dims), 1, seed=0)
    model.freeze()
    save_model(workspace.model(cell), model, cell._asdict())
    return CategoryModel.load(workspace.model(cell))


def test_any_photograph_where_features_are_not_simulated(sift, tmp_path):
    image = np.random.default_rng(1).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    path, box = tmp_path / "any.png", (30.5, 20.0, 90.0, 70.25)
    write_image(path, image)
    from_file, from_pixels = sift.prepare(path, box), sift.prepare(image, list(box))
    first, second = sift.reconstruct(from_file), sift.reconstruct(from_pixels)
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))
    points = first.pixels[first.visible][:5]
    found = sift.match(from_file, from_pixels, points, reading="projection")
    np.testing.assert_allclose(found.points, points, atol=1e-4)


def test_a_crop_is_as_good_as_the_photograph_that_it_is_cut_from(sift):
    """The photograph is black outside of the crop, as is what a crop shows beyond its photograph."""
    crop = np.random.default_rng(2).integers(0, 255, (60, 60, 3), dtype=np.uint8)
    image = np.zeros((100, 140, 3), np.uint8)
    image[20:80, 40:100] = crop
    # The box in the middle of the crop, whose side is 1.2 times that of the box.
    whole, cut = sift.prepare(image, (45.0, 30.0, 95.0, 70.0)), sift.prepare(crop)
    assert whole.image.crop == (40.0, 20.0, 60.0)
    first, second = sift.reconstruct(whole), sift.reconstruct(cut)
    np.testing.assert_array_equal(first.vertices, second.vertices)
    np.testing.assert_allclose(first.pixels, second.pixels + (40, 20), atol=1e-4)
    found = sift.match(cut, whole, second.pixels[second.visible][:5], reading="projection")
    np.testing.assert_allclose(found.points, first.pixels[first.visible][:5], atol=1e-3)


def test_a_folder_that_was_moved_takes_its_files_by_name(run, model, instances, photos, tmp_path):
    folder = tmp_path / "moved"
    shutil.copytree(run.model(CELL), folder)
    with pytest.raises(InputError, match="expected a params.yaml in a folder above"):
        CategoryModel.load(folder)
    moved = CategoryModel.load(folder, params=run.root / "params.yaml")
    assert moved.cell == CELL
    name, instance = next(iter(instances.items()))
    mesh = moved.reconstruct(moved.prepare(str(run.photograph(instance)), instance.box))
    assert all(np.array_equal(one, other) for one, other in zip(mesh, model.reconstruct(photos[name]), strict=True))

    shutil.copy(run.root / "params.yaml", tmp_path)
    with pytest.raises(InputError, match=r"dinov2/car/pca\.safetensors: expected the principal components"):
        CategoryModel.load(folder)
    assert CategoryModel.load(folder, pca=run.pca("dinov2", "car")).cell == CELL


def test_files_that_do_not_belong_together_are_refused(run, tmp_path):
    pca = read_pca(run.pca("dinov2", "car"))
    path = tmp_path / "pca.safetensors"
    write_pca(path, Pca(pca.mean, pca.components[:3], pca.low[:3], pca.high[:3]))
    with pytest.raises(InputError, match="'features': 16.*'features': 3"):
        CategoryModel.load(run.model(CELL), pca=path)
    with pytest.raises(InputError, match="no trained model here"):
        CategoryModel.load(run.root)


def test_the_public_interface_is_complete_and_has_documentation():
    assert set(semagic.__all__) <= set(dir(semagic))
    for name in semagic.__all__:
        assert getattr(semagic, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'Category'"):
        _ = semagic.Category
