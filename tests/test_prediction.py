"""Predictions: meshes land on the object's box in the photograph, and visibility agrees with what is drawn."""

import dataclasses

import numpy as np
import torch
from tiny import tiny_params

from pipeline.crops import square_crop, to_crop
from pipeline.labels.features import Tokens, write_tokens
from pipeline.layout import Layout
from pipeline.model import InputSizes, build_model
from pipeline.prediction import predict, template_features
from pipeline.records import Box, Instance
from pipeline.rendering.rasterizer import make_rasterizer


def make_instance(name, box):
    return Instance("car", name, "test", f"{name}.jpg", 300, 200, box, False, False, False, None, None)


def setup(tmp_path, count=2, **overrides):
    params = tiny_params(
        model__grid__resolution=12, model__pose__max_zoom=1.0, model__pose__max_offset=0.0, **overrides
    )
    layout = Layout(tmp_path, params)
    model = build_model(params.model, InputSizes(8, 6, 4), 1, seed=0)
    instances = [make_instance(f"image_{i}", Box(40.0 + 10 * i, 30.0, 160.0, 120.0)) for i in range(count)]
    rng = np.random.default_rng(0)
    for instance in instances:
        tokens = rng.normal(size=(8, 8, 6)).astype(np.float32)
        write_tokens(layout.features("car") / f"{instance.name}.npz", Tokens(tokens, None))
    return model, layout, instances


def test_projected_mesh_fills_the_annotated_box(tmp_path):
    model, layout, instances = setup(tmp_path)
    for instance, projection in predict(model, make_rasterizer(), layout, "car", instances):
        low, high = projection.vertices.amin(0), projection.vertices.amax(0)
        centre = (low + high) / 2
        np.testing.assert_allclose(centre, instance.box.centre, atol=0.05)
        longer = max(instance.box.width, instance.box.height)
        np.testing.assert_allclose(float((high - low).max()), longer, rtol=1e-3)


def test_visible_vertices_are_those_of_faces_that_own_a_pixel(tmp_path):
    """Against MagicPony's test: a vertex is visible iff it belongs to a face that owns a pixel."""
    model, layout, instances = setup(tmp_path, count=1, correspondence__size=256, correspondence__subdivisions=0)
    ((instance, projection),) = predict(model, make_rasterizer(), layout, "car", instances)
    template = model.template()
    crop = square_crop(instance.box, layout.params.data.crop_margin)
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
    model, layout, instances = setup(tmp_path)
    same_box = [dataclasses.replace(instance, box=instances[0].box) for instance in instances]
    first, second = (p for _, p in predict(model, make_rasterizer(), layout, "car", same_box))
    assert not torch.equal(first.rotation, second.rotation)


def test_subdivision_adds_points_of_the_same_surface(tmp_path):
    model, layout, instances = setup(tmp_path, count=1, correspondence__subdivisions=2)
    coarse_layout = Layout(tmp_path, tiny_params(correspondence__subdivisions=0))
    ((_, dense),) = predict(model, make_rasterizer(), layout, "car", instances)
    ((_, coarse),) = predict(model, make_rasterizer(), coarse_layout, "car", instances)
    count = len(model.template().vertices)
    assert template_features(model, 0).shape == (count, 4)
    assert template_features(model, 2).shape == (len(dense.vertices), 4)
    assert len(dense.vertices) > 15 * count
    # The first vertices stay the template's, and nothing lies beyond them.
    torch.testing.assert_close(dense.vertices[:count], coarse.vertices)
    assert (dense.vertices.amin(0) >= coarse.vertices.amin(0) - 1e-3).all()
    assert (dense.vertices.amax(0) <= coarse.vertices.amax(0) + 1e-3).all()
    # Every point of the object is now nearer to a visible vertex.
    grid = torch.cartesian_prod(torch.linspace(85, 110, 12), torch.linspace(60, 90, 12))
    nearest = [torch.cdist(grid, p.vertices[p.visible]).amin(1).mean() for p in (coarse, dense)]
    assert nearest[1] < 0.4 * nearest[0]
