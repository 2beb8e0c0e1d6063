"""The view: meshes fill the crop's box, pixels show what is projected to them, and masks change nothing inside them."""

import pytest
import torch

from pipeline.model.buffers import split_layers
from pipeline.model.placement import place
from pipeline.model.pose import PoseEstimate
from pipeline.model.view import View
from pipeline.rendering.rasterizer import make_rasterizer
from pipeline.training import losses
from support.models import model_of, randomise
from support.tiny import tiny_params


def view_of(model, size):
    return View(make_rasterizer(), model.params.pose, 1.2, size)


def test_placement_fills_the_box_of_the_crop():
    """Seen in any pose, the projection is centred and its longer side is 1 / margin of the crop."""
    torch.manual_seed(0)
    params = tiny_params().model.pose
    vertices = torch.randn(1, 50, 3) * torch.tensor([0.5, 0.3, 1.5])
    rotation = torch.linalg.qr(torch.randn(1, 3, 3)).Q
    placement = place(vertices, vertices[0], PoseEstimate(rotation, torch.zeros(1, 2), torch.zeros(1)), params, 1.25)
    ndc = placement.clip[0, :, :2] / placement.clip[0, :, 3:]
    low, high = ndc.amin(0), ndc.amax(0)
    torch.testing.assert_close((low + high) / 2, torch.zeros(2), atol=1e-5, rtol=0)
    assert (high - low).max().item() == pytest.approx(2 / 1.25, rel=1e-4)


def test_projection_is_where_the_rasterizer_draws():
    """Acceptance: the pixel of a vertex and its rasterised place agree within half a pixel, row 0 at the top."""
    model = model_of(model__grid__resolution=10)
    size, template = 128, model.template()
    view = view_of(model, size)
    pose = PoseEstimate(torch.eye(3)[None], torch.zeros(1, 2), torch.zeros(1))
    placement = view.place(template, template.vertices[None], pose)
    rast, faces = view.rasterize(template, template.vertices[None], pose).rast, template.faces
    ndc = (placement.clip[0, :, :2] / placement.clip[0, :, 3:])[None]
    drawn = view.rasterizer.interpolate(ndc.contiguous(), rast, faces)[0]
    rows, columns = (rast[0, ..., 3] > 0).nonzero(as_tuple=True)
    pixels = (drawn[rows, columns] + 1) / 2 * size
    centres = torch.stack([columns, rows], -1) + 0.5
    assert (pixels - centres).abs().max() < 0.5
    top = template.vertices[:, 1].argmax()
    assert placement.clip[0, top, 1] / placement.clip[0, top, 3] < -0.5


def test_one_mesh_for_all_poses_is_that_mesh_for_each():
    """Values and gradients of the projection and of everything that pixels are shaded from."""
    torch.manual_seed(0)
    model = model_of(model__grid__resolution=8)
    rotation = torch.linalg.qr(torch.randn(3, 3, 3)).Q
    pose = PoseEstimate(rotation, 0.1 * torch.randn(3, 2), 0.1 * torch.randn(3))
    results = []
    for count in (1, 3):
        template = model.template()
        vertices = template.vertices.expand(count, -1, -1)
        buffer = view_of(model, 16).rasterize(template, vertices, pose)
        weight = torch.randn(buffer.attributes.shape, generator=torch.Generator().manual_seed(1))
        (buffer.attributes * weight).sum().backward()
        results.append((*buffer, *(p.grad.clone() for p in model.changing.parameters() if p.grad is not None)))
        model.zero_grad()
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def test_masks_change_nothing_that_is_compared_inside_the_common_region():
    """Values and gradients of the image terms, for a silhouette that the mask meets in part and a rugged mesh."""
    model = model_of(model__grid__resolution=10)
    view = view_of(model, 48)
    for module in (model.field, model.texture):
        randomise(module)
    generator = torch.Generator().manual_seed(1)
    template = model.template()
    moved = template.vertices.detach() + 0.15 * torch.randn(2, *template.vertices.shape, generator=generator)
    code = torch.randn(2, 16, generator=generator)
    pose = PoseEstimate(torch.eye(3).repeat(2, 1, 1), torch.zeros(2, 2), torch.zeros(2))
    mask = torch.zeros(2, 48, 48)
    mask[:, 10:30, 4:40] = 1
    target = torch.rand(2, 48, 48, 4, generator=generator)
    results = []
    for masks in (mask, None):
        vertices = moved.clone().requires_grad_()
        buffer = view.rasterize(template, vertices, pose)
        image = view.shade(model, template, buffer, code, masks)
        region = losses.common_region(buffer.coverage, mask)
        pixels = losses.region_pixels(region)
        shown, wanted = split_layers(pixels.gather(image.layers), 4), pixels.gather(target)
        value = losses.rgb_loss(shown.rgb, wanted[:, :3], pixels) + losses.feature_loss(
            shown.features + shown.features_deformed, wanted, pixels
        )
        results.append((image.alpha, image.disparity, value, *torch.autograd.grad(value.sum(), vertices)))
    assert 100 < region.sum() < 0.7 * buffer.coverage.sum()
    for fast, slow in zip(*results, strict=True):
        torch.testing.assert_close(fast, slow)


def test_a_view_of_another_mesh_knows_its_silhouette():
    """Of two meshes in turn; each image is that of a view that has seen no other mesh."""
    pose = PoseEstimate(torch.eye(3)[None], torch.zeros(1, 2), torch.zeros(1))
    models = [model_of(model__grid__resolution=resolution) for resolution in (6, 8, 6)]
    view = view_of(models[0], 32)
    for model in models:
        template = model.template()
        vertices, colours = template.vertices[None], torch.ones(1, len(template.vertices), 3)
        found = view.paint(template, vertices, pose, colours)
        torch.testing.assert_close(found, view_of(model, 32).paint(template, vertices, pose, colours), rtol=0, atol=0)
        assert view.mesh.vertices == len(template.vertices)
        torch.testing.assert_close(found[..., 0], found[..., 3])
        assert ((found[..., 3] > 0) & (found[..., 3] < 1)).any(), "an antialiased border"
