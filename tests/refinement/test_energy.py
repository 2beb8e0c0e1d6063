"""The energy against its definition, patch by patch, on the fine mesh."""

import pytest
import torch

from pipeline.model.pose import PoseEstimate
from pipeline.refinement.energy import Evidence, PoseEnergy, extreme_points
from support.made_poses import GRID, evidence_of, made_model, made_view, poses_of, refine_params


@pytest.fixture(scope="module")
def scene():
    """Model, template and view."""
    model = made_model()
    return model, model.template(), made_view()


@torch.no_grad()
def slowly(scene, pose, features, foreground, hollow, cap):
    """The definition, for one image: the fine mesh, placed in the window of all its vertices."""
    model, template, view = scene
    clip = view.place(template, template.vertices[None], pose).clip
    rast = view.rasterizer.rasterize(clip, template.faces, (GRID, GRID))
    shown = view.rasterizer.interpolate(model.features(template.vertices)[None], rast, template.faces)
    total = 0.0
    for i in range(GRID):
        for j in range(GRID):
            q, error = float(foreground[i, j]), float((shown[0, i, j] - features[i, j]).square().sum())
            beside = 0 if hollow[i, j] else (1 - q) * cap
            total += q * min(error, cap) + beside if rast[0, i, j, 3] > 0 else q * cap
    return total / (cap * float(foreground.sum()))


def test_equals_the_definition(scene):
    model, template, view = scene
    params = refine_params(vertices=10_000, cap=0.4)
    energy = PoseEnergy(model, template, view, params)
    generator = torch.Generator().manual_seed(0)
    evidence = Evidence(
        torch.rand(2, GRID, GRID, 4, generator=generator),
        torch.rand(2, GRID, GRID, generator=generator),
        torch.rand(2, GRID, GRID, generator=generator) < 0.3,
    )
    poses = poses_of((10, 5, 0), (200, -20, 10), (40, 0, -10), (-60, 30, 5))
    found = energy(template.vertices[None].detach(), poses, evidence)
    for image in range(2):
        for number in range(2):
            row = 2 * image + number
            pose = PoseEstimate(*(value[row : row + 1] for value in poses))
            expected = slowly(scene, pose, *(value[image] for value in evidence), 0.4)
            assert float(found[image, number]) == pytest.approx(expected, rel=0.01)


def test_a_mesh_that_explains_everything_has_none_and_one_out_of_sight_has_one(scene):
    model, template, view = scene
    energy = PoseEnergy(model, template, view, refine_params())
    vertices, pose = template.vertices[None].detach(), poses_of((30, 10, 0))
    evidence = evidence_of(energy, vertices, pose)
    assert float(energy(vertices, pose, evidence)) == pytest.approx(0, abs=1e-5)
    away = pose._replace(offset=torch.tensor([[5.0, 0.0]]))
    assert float(energy(vertices, away, evidence)) == pytest.approx(1, abs=1e-6)


def test_an_image_without_foreground_has_a_finite_energy(scene):
    model, template, view = scene
    energy = PoseEnergy(model, template, view, refine_params())
    evidence = Evidence(torch.zeros(1, GRID, GRID, 4), torch.zeros(1, GRID, GRID), torch.zeros(1, GRID, GRID).bool())
    assert energy(template.vertices[None].detach(), poses_of((0, 0, 0)), evidence).isfinite().all()


def test_each_image_has_its_own_shape(scene):
    model, template, view = scene
    energy = PoseEnergy(model, template, view, refine_params())
    shapes = torch.stack([template.vertices, 0.8 * template.vertices]).detach()
    poses = poses_of((0, 0, 0), (30, 0, 0), (0, 0, 0), (30, 0, 0))
    evidence = evidence_of(energy, shapes[:1], poses_of((0, 0, 0)))
    evidence = Evidence(*(value.expand(2, *value.shape[1:]) for value in evidence))
    both = energy(shapes, poses, evidence)
    for image in range(2):
        one = PoseEstimate(*(value[:2] for value in poses))
        alone = energy(shapes[image : image + 1], one, Evidence(*(value[:1] for value in evidence)))
        torch.testing.assert_close(both[image : image + 1], alone, atol=1e-6, rtol=0)
    assert both[0, 0] < 1e-5 < 0.1 < both[1, 0]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("scale", [(1.0, 1.0, 1.0), (0.1, 0.3, 2.0), (1.0, 1.0, 0.0)])
def test_extreme_points_have_the_bounding_rectangle_of_all(seed, scale):
    """Of a ball, all of whose points are extreme, of a long shape, and of a flat one."""
    generator = torch.Generator().manual_seed(seed)
    points = torch.nn.functional.normalize(torch.randn(3000, 3, generator=generator), dim=-1) * torch.tensor(scale)
    extreme = extreme_points(points)
    assert len(extreme) <= 500
    rotation = torch.linalg.qr(torch.randn(3, 3, generator=generator)).Q[:2]
    seen, expected = ((part @ rotation.T).aminmax(dim=0) for part in (extreme, points))
    size = (expected.max - expected.min).max()
    assert ((seen.max - expected.max).abs() < 0.005 * size).all()
    assert ((seen.min - expected.min).abs() < 0.005 * size).all()
