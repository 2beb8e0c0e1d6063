"""The deformable model: identity through the freeze, symmetry, zero start, one-sided feature consistency."""

import pytest
import torch

from pipeline.base.errors import InputError
from pipeline.geometry.meshes import representatives
from pipeline.model.pose import PoseEstimate
from pipeline.model.view import View
from pipeline.rendering.rasterizer import make_rasterizer
from support.models import model_of, randomise

EXACT = "donot_use_mm_for_euclid_dist"


def test_same_seed_same_weights_and_global_generator_untouched():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    a, b, c = model_of(1).state_dict(), model_of(1).state_dict(), model_of(2).state_dict()
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert any(not torch.equal(a[name], c[name]) for name in a)


def test_freezing_keeps_the_surface_and_fixes_it():
    model = model_of()
    randomise(model.changing, scale=0.05)
    before = model.template()
    model.freeze()
    frozen = model.template()
    assert len(frozen.vertices) <= len(before.vertices)
    distance = torch.cdist(frozen.vertices, before.vertices, compute_mode=EXACT).amin(1)
    assert distance.max() < 1e-6
    faces = frozen.faces.clone()
    randomise(model.changing, 1)
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
    assert len(codes) == len(model.template().vertices)
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
    model = model_of(model__grid__resolution=8)
    view = View(make_rasterizer(), model.params.pose, 1.2, 32)
    randomise(model.field)
    code, pose = torch.randn(1, 16), PoseEstimate(torch.eye(3)[None], torch.zeros(1, 2), torch.zeros(1))
    images = []
    for frozen in (False, True):
        if frozen:
            model.freeze()
        template = model.template()
        vertices = template.vertices + model.offsets(template, code)
        images.append(view.render(model, template, vertices, pose, code))
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
    randomise(model.changing)
    points = torch.randn(10, 3)
    mirrored = points * torch.tensor([-1.0, 1.0, 1.0])
    torch.testing.assert_close(model.features(points), model.features(mirrored))
    torch.testing.assert_close(model.changing.distance(points), model.changing.distance(mirrored))


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
    assert len(first.template().vertices) != len(second.template().vertices)
    first.load_state_dict(second.state_dict())
    for model in (first, first.double()):
        found = model.template().representatives
        expected = representatives(model.frozen.vertices, model.frozen.mirror)
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other)


def test_weights_of_another_architecture_are_refused():
    with pytest.raises(InputError, match="another model architecture"):
        model_of().load_state_dict(model_of(model__sdf__width=8).state_dict())
