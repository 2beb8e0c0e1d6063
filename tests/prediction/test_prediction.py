"""Predictions: meshes land on the object's box in the photograph, and visibility agrees with what is drawn."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from pipeline.base.errors import InputError
from pipeline.config.workspace import Workspace
from pipeline.labels.features import Tokens, write_tokens
from pipeline.model.deformable import InputSizes, build_model
from pipeline.photographs.crops import square_crop, to_crop
from pipeline.photographs.records import Box, Instance
from pipeline.prediction.meshes import PredictedMeshes, read_meshes, write_meshes
from pipeline.prediction.predict import predict, template_points
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
    return model, workspace, instances


def test_projected_mesh_fills_the_annotated_box(tmp_path):
    model, workspace, instances = setup(tmp_path)
    for instance, (projection, _, _) in predict(model, make_rasterizer(), workspace, "dinov2", instances):
        low, high = projection.vertices.amin(0), projection.vertices.amax(0)
        centre = (low + high) / 2
        np.testing.assert_allclose(centre, instance.box.centre, atol=0.05)
        longer = max(instance.box.width, instance.box.height)
        np.testing.assert_allclose(float((high - low).max()), longer, rtol=1e-3)


def test_visible_vertices_are_those_of_faces_that_own_a_pixel(tmp_path):
    """Against MagicPony's test: a vertex is visible iff it belongs to a face that owns a pixel."""
    model, workspace, instances = setup(tmp_path, count=1, correspondence__map_size=256, correspondence__subdivisions=0)
    ((instance, (projection, _, _)),) = predict(model, make_rasterizer(), workspace, "dinov2", instances)
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
    first, second = (p.projection for _, p in predict(model, make_rasterizer(), workspace, "dinov2", same_box))
    assert not torch.equal(first.rotation, second.rotation)


def test_subdivision_adds_points_of_the_same_surface(tmp_path):
    model, workspace, instances = setup(tmp_path, count=1, correspondence__subdivisions=2)
    coarse_layout = Workspace(tmp_path, tiny_params(correspondence__subdivisions=0))
    ((_, (dense, _, _)),) = predict(model, make_rasterizer(), workspace, "dinov2", instances)
    ((_, (coarse, _, _)),) = predict(model, make_rasterizer(), coarse_layout, "dinov2", instances)
    count = len(model.template().vertices)
    assert template_points(model, 0).features.shape == (count, 4)
    assert template_points(model, 2).features.shape == (len(dense.vertices), 4)
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
    ((instance, prediction),) = predict(model, make_rasterizer(), workspace, "dinov2", instances)
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
    torch.testing.assert_close(prediction.vertices, model.template().vertices)


def test_meshes_survive_reading(tmp_path):
    generator = torch.Generator().manual_seed(0)
    vertices = {name: torch.rand(5, 3, generator=generator) for name in ("a", "2008_000001")}
    silhouettes = {name: torch.rand(4, 4, generator=generator) > 0.5 for name in vertices}
    faces = torch.tensor([[0, 1, 2], [2, 3, 4]])
    meshes = PredictedMeshes(torch.rand(5, 3, generator=generator), faces, vertices, silhouettes)
    for name in ("one", "two"):
        write_meshes(tmp_path / name, meshes)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    read = read_meshes(tmp_path / "one")
    assert torch.equal(read.template, meshes.template) and torch.equal(read.faces.long(), faces)
    for name in vertices:
        assert torch.equal(read.vertices[name], vertices[name])
        assert torch.equal(read.silhouettes[name], silhouettes[name])
    with pytest.raises(InputError, match=r"missing.*`predict`"):
        read_meshes(tmp_path / "missing")
