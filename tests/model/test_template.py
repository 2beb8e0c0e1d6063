"""The sources of the template: the zero level of a signed distance, and the mesh that it is frozen to."""

import pytest
import torch
from torch import nn

from pipeline.geometry.tetgrid import build_tetgrid
from pipeline.model.changing_template import ChangingTemplate
from pipeline.model.signed_distance import SignedDistance
from pipeline.model.template import NoSurfaceError
from support.models import model_of, randomise
from support.tiny import tiny_params


class GivenDistance(SignedDistance):
    """Any function of points in place of the learned distance."""

    def __init__(self, function):
        nn.Module.__init__(self)
        self.function = function

    def forward(self, points):
        return self.function(points)


def test_first_template_of_a_run_with_one_hypothesis_is_the_sphere():
    model = model_of(model__grid__resolution=12)
    radii = model.template().vertices.norm(dim=-1)
    torch.testing.assert_close(radii, torch.full_like(radii, model.params.sdf.radius), atol=0.02, rtol=0)


@pytest.mark.parametrize("elongation", [1.0, 1.5, 2.0])
def test_first_template_of_a_run_with_several_is_the_ellipsoid(elongation):
    overrides = {"model__grid__resolution": 12, "model__pose__hypotheses__elongation": elongation}
    model = model_of(hypotheses=4, **overrides)
    template = model.template()
    radii = (template.vertices / torch.tensor([1, 1, elongation])).norm(dim=-1)
    torch.testing.assert_close(radii, radii.mean().expand_as(radii), atol=0.03, rtol=0)
    torch.testing.assert_close(template.radius, torch.tensor(model.params.sdf.radius), atol=0, rtol=0.1)


@pytest.mark.parametrize("radius", [0.6, 1.2, 1.8])
def test_template_has_one_size_and_place_however_large_its_distance_field_is(radius):
    params = tiny_params(model__grid__resolution=12).model
    shifted = torch.tensor([0.0, 0.3, -0.2])
    distance = GivenDistance(lambda points: radius - (points - shifted).norm(dim=-1))
    template = ChangingTemplate(distance, params)(None)
    rms = template.vertices.square().sum(-1).mean().sqrt()
    torch.testing.assert_close(rms, torch.tensor(params.sdf.radius), atol=1e-4, rtol=0)
    torch.testing.assert_close(template.vertices.mean(0), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(template.centre, shifted, atol=0.02, rtol=0)
    torch.testing.assert_close(template.radius, torch.tensor(radius), atol=0.03, rtol=0)


def test_silhouettes_cannot_shrink_the_template():
    model = model_of()
    randomise(model.changing, scale=0.05)
    scale = torch.ones((), requires_grad=True)
    distance = GivenDistance(lambda points: scale * model.changing.distance(points / scale))
    ChangingTemplate(distance, model.params)(None).vertices.square().sum().backward()
    assert abs(scale.grad) < 1e-2


@pytest.mark.parametrize(("value", "message"), [(-0.1, "vanished"), (0.0, "vanished"), (0.1, "fills the grid")])
def test_no_surface_inside_the_grid_is_an_error(value, message):
    distance = GivenDistance(lambda points: torch.full((len(points),), value))
    with pytest.raises(NoSurfaceError, match=message):
        ChangingTemplate(distance, tiny_params().model)(None)


def test_a_template_may_touch_the_border():
    """One corner of the grid is outside, and one inner vertex is enough."""
    params = tiny_params().model
    inner = build_tetgrid(params.grid.resolution, params.grid.scale)
    outside = inner.vertices[inner.inner[0]]
    distance = GivenDistance(lambda points: (points - outside).norm(dim=-1) - 0.01)
    assert len(ChangingTemplate(distance, params)(None).faces)


def test_small_separate_pieces_are_not_frozen():
    params = tiny_params(model__grid__resolution=12).model
    apart = torch.tensor([0.0, 1.5, 0.0])

    def two_balls(points):
        return torch.maximum(1.0 - (points + apart).norm(dim=-1), 0.5 - (points - apart).norm(dim=-1))

    changing = ChangingTemplate(GivenDistance(two_balls), params)
    whole, kept = changing(None), changing.freeze()(None)
    assert len(kept.vertices) < len(whole.vertices)
    assert torch.isin(kept.vertices, whole.vertices).all()
    # The smaller ball lay above.
    assert kept.vertices[:, 1].max() < whole.vertices[:, 1].max() - 0.5


@pytest.mark.parametrize("hypotheses", [1, 4])
def test_gradient_of_the_signed_distance_is_autograds(hypotheses):
    distance = model_of(hypotheses=hypotheses).changing.distance
    randomise(distance)
    points = torch.randn(50, 3).requires_grad_()
    (expected,) = torch.autograd.grad(distance(points).sum(), points)
    torch.testing.assert_close(distance.gradient(points.detach()), expected)
