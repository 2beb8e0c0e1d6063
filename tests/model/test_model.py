"""The deformable model: identity through the freeze, symmetry, zero start, one-sided feature consistency."""

import pytest
import torch

from pipeline.base.errors import InputError
from pipeline.geometry.meshes import representatives
from pipeline.model.deformable import EmptyMeshError, InputSizes, build_model
from pipeline.model.pose import PoseEstimate
from pipeline.model.view import look, paint, place, render, split_layers
from pipeline.rendering.rasterizer import make_rasterizer
from pipeline.training import losses
from support.tiny import tiny_params

SIZES = InputSizes(8, 6, 4)
EXACT = "donot_use_mm_for_euclid_dist"


def model_of(seed=0, **overrides):
    return build_model(tiny_params(**overrides).model, SIZES, 1, seed)


def randomise(module, generator_seed=0, scale=0.3):
    generator = torch.Generator().manual_seed(generator_seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(scale * torch.randn(parameter.shape, generator=generator))


def test_first_template_of_a_run_with_one_hypothesis_is_the_sphere():
    model = model_of(model__grid__resolution=12)
    radii = model.template().vertices.norm(dim=-1)
    torch.testing.assert_close(radii, torch.full_like(radii, model.params.sdf.radius), atol=0.02, rtol=0)


@pytest.mark.parametrize("elongation", [1.0, 1.5, 2.0])
def test_first_template_of_a_run_with_several_is_the_ellipsoid(elongation):
    params = tiny_params(model__grid__resolution=12, model__pose__hypotheses__elongation=elongation).model
    model = build_model(params, SIZES, 4, 0)
    template = model.template()
    radii = (template.vertices / torch.tensor([1, 1, elongation])).norm(dim=-1)
    torch.testing.assert_close(radii, radii.mean().expand_as(radii), atol=0.03, rtol=0)
    torch.testing.assert_close(template.radius, torch.tensor(model.params.sdf.radius), atol=0, rtol=0.1)


@pytest.mark.parametrize("radius", [0.6, 1.2, 1.8])
def test_template_has_one_size_and_place_however_large_its_distance_field_is(radius):
    model = model_of(model__grid__resolution=12)
    shifted = torch.tensor([0.0, 0.3, -0.2])
    model.signed_distance = lambda points: radius - (points - shifted).norm(dim=-1)
    template = model.template()
    rms = template.vertices.square().sum(-1).mean().sqrt()
    torch.testing.assert_close(rms, torch.tensor(model.params.sdf.radius), atol=1e-4, rtol=0)
    torch.testing.assert_close(template.vertices.mean(0), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(template.centre, shifted, atol=0.02, rtol=0)
    torch.testing.assert_close(template.radius, torch.tensor(radius), atol=0.03, rtol=0)


def test_silhouettes_cannot_shrink_the_template():
    model = model_of()
    randomise(model.sdf, scale=0.05)
    scale = torch.ones((), requires_grad=True)
    distance = model.signed_distance
    model.signed_distance = lambda points: scale * distance(points / scale)
    model.template().vertices.square().sum().backward()
    assert abs(scale.grad) < 1e-2


def test_same_seed_same_weights_and_global_generator_untouched():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    a, b, c = model_of(1).state_dict(), model_of(1).state_dict(), model_of(2).state_dict()
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert any(not torch.equal(a[name], c[name]) for name in a)


def test_freezing_keeps_the_surface_and_fixes_it():
    model = model_of()
    randomise(model.sdf, scale=0.05)
    before = model.template()
    model.freeze()
    frozen = model.template()
    assert model.frozen and len(frozen.vertices) <= len(before.vertices)
    distance = torch.cdist(frozen.vertices, before.vertices, compute_mode=EXACT).amin(1)
    assert distance.max() < 1e-6
    faces = frozen.faces.clone()
    randomise(model.sdf, 1)
    assert torch.equal(model.template().vertices, frozen.vertices)
    assert torch.equal(model.template().faces, faces)


@pytest.mark.parametrize("identity", ["frozen", "grid"])
def test_mirrored_vertices_share_codes_and_move_as_mirror_images(identity):
    model = model_of(model__deformation__identity=identity, model__deformation__code_std=1.0)
    if identity == "frozen":
        model.freeze()
    randomise(model.deformation)
    template = model.template()
    vertices = template.vertices
    mirrored = vertices * torch.tensor([-1.0, 1.0, 1.0])
    distance, partner = torch.cdist(mirrored, vertices, compute_mode=EXACT).min(1)
    assert distance.max() < 1e-5
    torch.testing.assert_close(template.codes, template.codes[partner], atol=1e-5, rtol=0)
    moved = vertices + model.offsets(template, torch.randn(2, 16))
    torch.testing.assert_close(moved * torch.tensor([-1.0, 1.0, 1.0]), moved[:, partner], atol=1e-4, rtol=0)


def test_frozen_identity_gives_each_vertex_its_own_code():
    model = model_of(model__deformation__symmetric=False, model__deformation__code_std=1.0)
    model.freeze()
    codes = model.template().codes
    assert len(codes) == len(model.template_vertices)
    assert torch.cdist(codes, codes).fill_diagonal_(1.0).min() > 1e-3


@pytest.mark.parametrize("size", [1e-2, 1.0, 1e2])
def test_images_are_told_apart_however_large_their_codes_are(size):
    model = model_of()
    randomise(model.deformation.output)
    torch.manual_seed(0)
    offsets = model.offsets(model.template(), size * torch.randn(8, 16) + 3 * size)
    between = offsets - offsets.mean(0)
    assert between.square().mean() > 0.1 * offsets.square().mean()


def test_index_embedding_conditions_the_offsets_and_learns():
    model = model_of()
    model.freeze()
    randomise(model.deformation)
    code = torch.randn(2, 16)
    model.offsets(model.template(), code).square().sum().backward()
    assert model.codes.grad.abs().sum() > 0
    without = model_of(model__deformation__index_embedding=False)
    without.freeze()
    assert without.template().codes is None


def test_deformation_starts_at_zero_so_the_first_frozen_rendering_is_the_last_free_one():
    model, rasterizer = model_of(model__grid__resolution=8), make_rasterizer()
    randomise(model.field)
    code, pose = torch.randn(1, 16), PoseEstimate(torch.eye(3)[None], torch.zeros(1, 2), torch.zeros(1))
    images = []
    for frozen in (False, True):
        if frozen:
            model.freeze()
        template = model.template()
        vertices = template.vertices + model.offsets(template, code)
        images.append(render(model, rasterizer, template, vertices, pose, code, 32, 1.2))
    for before, after in zip(*images, strict=True):
        assert (before.float() - after.float()).abs().max() < 1e-5


def test_feature_consistency_moves_points_and_not_the_field():
    model = model_of()
    points = torch.randn(2, 5, 3, requires_grad=True)
    model.frozen_features(points).sum().backward()
    assert points.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in model.field.parameters())
    torch.testing.assert_close(model.frozen_features(points)[0], model.features(points[0]))


def test_symmetric_field_and_distance():
    model = model_of()
    randomise(model.sdf)
    points = torch.randn(10, 3)
    mirrored = points * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(model.features(points), model.features(mirrored))
    torch.testing.assert_close(model.signed_distance(points), model.signed_distance(mirrored))


@pytest.mark.parametrize("hypotheses", [1, 4])
def test_gradient_of_the_signed_distance_is_autograds(hypotheses):
    params = tiny_params()
    model = build_model(params.model, InputSizes(8, 6, 4), hypotheses, seed=0)
    randomise(model.sdf)
    points = torch.randn(50, 3).requires_grad_()
    (expected,) = torch.autograd.grad(model.signed_distance(points).sum(), points)
    torch.testing.assert_close(model.distance_gradient(points.detach()), expected)


def test_no_surface_is_an_error():
    model = model_of(model__sdf__radius=-1.0)
    with pytest.raises(EmptyMeshError, match="no zero crossing"):
        model.template()


def test_state_of_a_frozen_model_loads_into_a_new_one():
    model = model_of()
    model.freeze()
    other = model_of(seed=3)
    other.load_state_dict(model.state_dict())
    assert torch.equal(other.template().vertices, model.template().vertices)
    assert torch.equal(other.template().codes, model.template().codes)


def test_representatives_are_those_of_the_template_at_hand():
    """Also after the weights of another template were loaded, and in another precision."""
    first, second = model_of(model__grid__resolution=8), model_of(seed=1, model__grid__resolution=6)
    for model in (first, second):
        model.freeze()
        model.template()
    assert len(first.template_vertices) != len(second.template_vertices)
    first.load_state_dict(second.state_dict())
    for model in (first, first.double()):
        found = model.template().representatives
        expected = representatives(model.template_vertices, model.template_mirror)
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other)


def test_weights_of_another_architecture_are_refused():
    with pytest.raises(InputError, match="another model architecture"):
        model_of().load_state_dict(model_of(model__sdf__width=8).state_dict())


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
    model, rasterizer = model_of(model__grid__resolution=10), make_rasterizer()
    template = model.template()
    pose = PoseEstimate(torch.eye(3)[None], torch.zeros(1, 2), torch.zeros(1))
    placement = place(template.vertices[None], template.vertices, pose, model.params.pose, 1.2)
    size, faces = 128, template.faces.int()
    rast = rasterizer.rasterize(placement.clip, faces, (size, size))
    ndc = (placement.clip[0, :, :2] / placement.clip[0, :, 3:])[None]
    drawn = rasterizer.interpolate(ndc.contiguous(), rast, faces)[0]
    rows, columns = (rast[0, ..., 3] > 0).nonzero(as_tuple=True)
    pixels = (drawn[rows, columns] + 1) / 2 * size
    centres = torch.stack([columns, rows], -1) + 0.5
    assert (pixels - centres).abs().max() < 0.5
    top = template.vertices[:, 1].argmax()
    assert placement.clip[0, top, 1] / placement.clip[0, top, 3] < -0.5


def test_one_mesh_for_all_poses_is_that_mesh_for_each():
    """Values and gradients of the projection and of everything that pixels are painted from."""
    torch.manual_seed(0)
    model, rasterizer = model_of(model__grid__resolution=8), make_rasterizer()
    rotation = torch.linalg.qr(torch.randn(3, 3, 3)).Q
    pose = PoseEstimate(rotation, 0.1 * torch.randn(3, 2), 0.1 * torch.randn(3))
    results = []
    for count in (1, 3):
        template = model.template()
        vertices = template.vertices.expand(count, -1, -1)
        visible = look(rasterizer, template, vertices, pose, model.params.pose, 16, 1.2)
        weight = torch.randn(visible.attributes.shape, generator=torch.Generator().manual_seed(1))
        (visible.attributes * weight).sum().backward()
        results.append((*visible, *(p.grad.clone() for p in model.sdf.parameters() if p.grad is not None)))
        model.zero_grad()
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)


def test_masks_change_nothing_that_is_compared_inside_the_common_region():
    """Values and gradients of the image terms, for a silhouette that the mask meets in part and a rugged mesh."""
    model, rasterizer = model_of(model__grid__resolution=10), make_rasterizer()
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
        visible = look(rasterizer, template, vertices, pose, model.params.pose, 48, 1.2)
        image = paint(model, rasterizer, template, visible, code, masks=masks)
        region = losses.common_region(visible.covered, mask)
        pixels = losses.region_pixels(region)
        shown, wanted = split_layers(pixels.gather(image.layers), 4), pixels.gather(target)
        value = losses.rgb_loss(shown.rgb, wanted[:, :3], pixels) + losses.feature_loss(
            shown.features + shown.features_deformed, wanted, pixels
        )
        results.append((image.alpha, image.disparity, value, *torch.autograd.grad(value.sum(), vertices)))
    assert 100 < region.sum() < 0.7 * visible.covered.sum()
    for fast, slow in zip(*results, strict=True):
        torch.testing.assert_close(fast, slow)
