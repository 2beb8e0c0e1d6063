"""Predictions: meshes land on the object's box in the photograph, and visibility agrees with what is drawn."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from pipeline.base.checksums import write_checksums
from pipeline.base.errors import InputError
from pipeline.config.workspace import Workspace
from pipeline.labels.features import Tokens, read_tokens, write_tokens
from pipeline.model.deformable import InputSizes, build_model
from pipeline.photographs.crops import square_crop, to_crop
from pipeline.photographs.records import Box, Instance
from pipeline.prediction.predict import predict_category
from pipeline.prediction.predictions import Prediction, Predictions, read_predictions, write_predictions
from pipeline.prediction.predictor import make_predictor
from pipeline.prediction.projection import Projection
from pipeline.rendering.rasterizer import make_rasterizer
from support.tiny import tiny_params


def make_instance(name, box):
    return Instance("car", name, "test", f"{name}.jpg", 300, 200, box, False, False, False, None, None)


def setup(tmp_path, count=2, **overrides):
    params = tiny_params(
        model__grid__resolution=12, model__pose__max_zoom=1.0, model__pose__max_offset=0.0, **overrides
    )
    workspace = Workspace(tmp_path, params)
    model = build_model(params.model, InputSizes(8, 6, 4), 1, seed=0)
    instances = [make_instance(f"image_{i}", Box(40.0 + 10 * i, 30.0, 160.0, 120.0)) for i in range(count)]
    rng = np.random.default_rng(0)
    for instance in instances:
        tokens = rng.normal(size=(8, 8, 6)).astype(np.float32)
        write_tokens(workspace.features("dinov2", "car") / f"{instance.name}.npz", Tokens(tokens, None))
    write_checksums(workspace.features("dinov2", "car"))
    return model, workspace, instances


def predict(model, workspace, instances):
    return predict_category(make_predictor(model, workspace.params), workspace, "dinov2", instances)


def test_projected_mesh_fills_the_annotated_box(tmp_path):
    model, workspace, instances = setup(tmp_path)
    images = predict(model, workspace, instances).images
    for instance in instances:
        projection = images[instance.name].projection
        low, high = projection.vertices.amin(0), projection.vertices.amax(0)
        centre = (low + high) / 2
        np.testing.assert_allclose(centre, instance.box.centre, atol=0.05)
        longer = max(instance.box.width, instance.box.height)
        np.testing.assert_allclose(float((high - low).max()), longer, rtol=1e-3)


def test_visible_vertices_are_those_of_faces_that_own_a_pixel(tmp_path):
    """Against MagicPony's test: a vertex is visible iff it belongs to a face that owns a pixel."""
    model, workspace, instances = setup(tmp_path, count=1, correspondence__map_size=256, correspondence__subdivisions=0)
    (instance,) = instances
    projection = predict(model, workspace, instances).images[instance.name].projection
    template = model.template()
    crop = square_crop(instance.box, workspace.params.data.crop_margin)
    uv = torch.from_numpy(to_crop(projection.vertices.double().numpy(), crop)).float()
    depth = 50 - (template.vertices @ projection.rotation.T)[:, 2]
    clip = torch.cat([2 * uv - 1, ((depth - 50) / 50)[:, None], torch.ones(len(uv), 1)], 1)[None]
    rast = make_rasterizer().rasterize(clip.contiguous(), template.faces.int(), (256, 256))
    owners = template.faces[(rast[0, ..., 3][rast[0, ..., 3] > 0].long() - 1).unique()].unique()
    drawn = torch.zeros(len(uv), dtype=torch.bool)
    drawn[owners] = True
    assert (drawn == projection.visible).float().mean() > 0.95
    assert 0.3 < projection.visible.float().mean() < 0.7


def test_each_image_is_predicted_from_its_own_tokens(tmp_path):
    model, workspace, instances = setup(tmp_path)
    same_box = [dataclasses.replace(instance, box=instances[0].box) for instance in instances]
    first, second = (prediction.projection for prediction in predict(model, workspace, same_box).images.values())
    assert not torch.equal(first.rotation, second.rotation)


def test_subdivision_adds_points_of_the_same_surface(tmp_path):
    model, workspace, instances = setup(tmp_path, count=1, correspondence__subdivisions=2)
    coarse_workspace = Workspace(tmp_path, tiny_params(correspondence__subdivisions=0))
    predictions = [predict(model, used, instances) for used in (coarse_workspace, workspace)]
    coarse, dense = (found.images[instances[0].name].projection for found in predictions)
    count = len(model.template().vertices)
    for found, projection in zip(predictions, (coarse, dense), strict=True):
        assert found.positions.shape == (len(projection.vertices), 3)
        torch.testing.assert_close(found.vertex_features, model.features(found.positions))
    assert len(coarse.vertices) == count
    assert len(dense.vertices) > 15 * count
    # The first vertices stay the template's, and nothing lies beyond them.
    torch.testing.assert_close(dense.vertices[:count], coarse.vertices)
    assert (dense.vertices.amin(0) >= coarse.vertices.amin(0) - 1e-3).all()
    assert (dense.vertices.amax(0) <= coarse.vertices.amax(0) + 1e-3).all()
    # Every point of the object is now nearer to a visible vertex.
    grid = torch.cartesian_prod(torch.linspace(85, 110, 12), torch.linspace(60, 90, 12))
    nearest = [torch.cdist(grid, p.vertices[p.visible]).amin(1).mean() for p in (coarse, dense)]
    assert nearest[1] < 0.4 * nearest[0]


def test_silhouette_and_vertices_belong_to_the_projection(tmp_path):
    model, workspace, instances = setup(tmp_path, count=1, correspondence__subdivisions=1, correspondence__map_size=256)
    (instance,) = instances
    prediction = predict(model, workspace, instances).images[instance.name]
    size = workspace.params.correspondence.map_size
    assert prediction.silhouette.shape == (size, size)
    # A visible vertex lies within a pixel of the silhouette, and the silhouette within the projected box.
    crop = square_crop(instance.box, workspace.params.data.crop_margin)
    points = torch.from_numpy(to_crop(prediction.projection.vertices.double().numpy(), crop))
    column, row = (points[prediction.projection.visible] * size).long().clamp(0, size - 1).unbind(1)
    near = functional.max_pool2d(prediction.silhouette[None].float(), 3, stride=1, padding=1)[0]
    assert near[row, column].mean() > 0.99
    rows, columns = prediction.silhouette.nonzero().unbind(1)
    assert columns.min() >= points[:, 0].min() * size - 1 and columns.max() <= points[:, 0].max() * size + 1
    assert rows.min() >= points[:, 1].min() * size - 1 and rows.max() <= points[:, 1].max() * size + 1
    # Without deformation the vertices are the template's.
    torch.testing.assert_close(prediction.deformed, model.template().vertices)


def test_a_crop_is_predicted_without_files_or_photographs(tmp_path):
    """In crop coordinates; the photograph only adds where the crop lies."""
    model, workspace, instances = setup(tmp_path)
    predictor = make_predictor(model, workspace.params)
    images = predict_category(predictor, workspace, "dinov2", instances).images
    for instance in instances:
        tokens = torch.from_numpy(read_tokens(workspace.tokens("dinov2", instance)).tokens)
        prediction, expected = predictor.predict(tokens), images[instance.name]
        crop = square_crop(instance.box, workspace.params.data.crop_margin)
        assert 0 < prediction.projection.vertices.min() and prediction.projection.vertices.max() < 1
        torch.testing.assert_close(prediction.projection.from_crop(crop).vertices, expected.projection.vertices)
        back = expected.projection.to_crop(crop).vertices
        torch.testing.assert_close(back, prediction.projection.vertices.double(), rtol=0, atol=1e-6)
        assert torch.equal(prediction.projection.visible, expected.projection.visible)
        assert torch.equal(prediction.silhouette, expected.silhouette)


def random_prediction(seed, count=40):
    generator = torch.Generator().manual_seed(seed)
    vertices, visible = torch.rand(count, 2, generator=generator), torch.rand(count, generator=generator) < 0.5
    deformed, silhouette = torch.rand(7, 3, generator=generator), torch.rand(4, 4, generator=generator) < 0.5
    return Prediction(
        Projection(100 * vertices, visible, torch.eye(3)), deformed, deformed.sigmoid(), silhouette, torch.rand(2)
    )


def test_predictions_survive_the_file_and_equal_content_gives_equal_bytes(tmp_path):
    images = {"2008_000002": random_prediction(0), "2008_000001": random_prediction(1), "a/b": random_prediction(2)}
    generator = torch.Generator().manual_seed(3)
    template, positions, features = (torch.rand(n, c, generator=generator) for n, c in ((7, 3), (40, 3), (40, 16)))
    faces = torch.tensor([[0, 1, 2], [2, 3, 4]])
    predictions = Predictions(template, faces, positions, features, images)
    write_predictions(tmp_path / "one", predictions)
    write_predictions(tmp_path / "two", predictions._replace(images=dict(reversed(images.items()))))
    one, two = ((tmp_path / name / "predictions.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two
    read = read_predictions(tmp_path / "one")
    for name in Predictions._fields[:-1]:
        assert torch.equal(getattr(read, name), getattr(predictions, name)), name
    assert read.images.keys() == images.keys()
    for name, (projection, *mesh) in images.items():
        found, *found_mesh = read.images[name]
        for value, expected in zip((*found, *found_mesh), (*projection, *mesh), strict=True):
            assert torch.equal(value, expected)


def test_predictions_without_subdivision_are_written(tmp_path):
    template = torch.rand(7, 3, generator=torch.Generator().manual_seed(0))
    faces, images = torch.tensor([[0, 1, 2]]), {"a": random_prediction(1, count=7)}
    write_predictions(tmp_path, Predictions(template, faces, template, template, images))
    read = read_predictions(tmp_path)
    assert torch.equal(read.positions, template)
    assert torch.equal(read.template, template)


def test_missing_predictions_name_the_file_and_the_stage(tmp_path):
    with pytest.raises(InputError, match=r"predictions\.safetensors.*`predict`"):
        read_predictions(tmp_path)
