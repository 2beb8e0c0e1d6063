"""Loss terms against their definitions, written out slowly, and the properties that the method relies on."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipeline.photographs.cameras import object_rotation
from pipeline.training import losses


def rotation(*angles):
    return torch.from_numpy(object_rotation(*angles))[None].float()


def fold(value):
    return torch.tensor([value])


def disparity_map(seed=0, size=16):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(1, size, size))).float()


REGION = torch.ones(1, 16, 16, dtype=torch.bool)


def depth_slowly(prediction, target):
    """Least squares over scale >= 0 and shift by a general solver, with the target standardised."""
    d, t = prediction.double().flatten().numpy(), target.double().flatten().numpy()
    t = (t - t.mean()) / t.std()
    design = np.stack([d, np.ones_like(d)], 1)
    (s, shift), *_ = np.linalg.lstsq(design, t, rcond=None)
    return np.mean((s * d + shift - t) ** 2), s


@given(st.floats(0.1, 10), st.floats(-5, 5))
def test_depth_loss_vanishes_for_positive_affine_maps(scale, shift):
    target = disparity_map()
    assert losses.depth_loss(scale * target + shift, target, REGION).item() < 1e-4


def test_depth_loss_of_inverted_relief_is_at_least_one():
    target = disparity_map()
    assert losses.depth_loss(-target, target, REGION).item() >= 1


def test_depth_loss_of_a_flat_prediction_is_one():
    assert losses.depth_loss(torch.ones(1, 16, 16), disparity_map(), REGION).item() == pytest.approx(1, abs=1e-4)


@given(st.integers(0, 100))
def test_depth_loss_is_the_least_squares_residual(seed):
    target = disparity_map(seed)
    prediction = 0.1 + 0.01 * (0.5 * target + disparity_map(seed + 1000))
    expected, scale = depth_slowly(prediction, target)
    assert scale > 0
    assert losses.depth_loss(prediction, target, REGION).item() == pytest.approx(expected, rel=1e-3)


def test_depth_gradient_flattens_an_inverted_relief():
    target = disparity_map()
    inverted = -target + 0.5 * disparity_map(1)
    prediction = inverted.clone().requires_grad_()
    loss = losses.depth_loss(prediction, target, REGION)
    loss.sum().backward()
    assert loss > 1
    assert losses.depth_loss(inverted - 10 * prediction.grad, target, REGION) < loss


def test_depth_loss_skips_images_with_few_pixels():
    region = REGION.clone()
    region[:, 4:] = False
    region[:, 3, :1] = False
    assert region.sum() < losses.MIN_DEPTH_PIXELS
    assert losses.depth_loss(-disparity_map(), disparity_map(), region).item() == 0


@given(st.floats(0, 360), st.floats(-60, 60), st.floats(-40, 40))
def test_pose_loss_is_zero_only_at_the_target(azimuth, elevation, theta):
    target = rotation(azimuth, elevation, theta)
    assert losses.pose_loss(target, target, fold(1)).item() == pytest.approx(0, abs=1e-5)
    assert losses.pose_loss(rotation(azimuth + 180, elevation, theta), target, fold(1)).item() > 0.5


@pytest.mark.parametrize("symmetry", [2, 4])
def test_pose_loss_accepts_every_equal_front(symmetry):
    target = rotation(30, 20, 5)
    for turn in range(symmetry):
        turned = rotation(30 + turn * 360 / symmetry, 20, 5)
        assert losses.pose_loss(turned, target, fold(symmetry)).item() == pytest.approx(0, abs=1e-5)
    between = rotation(30 + 180 / symmetry, 20, 5)
    assert losses.pose_loss(between, target, fold(symmetry)).item() > 0.2


def test_pose_loss_without_a_front_compares_elevation_and_roll_only():
    target = rotation(30, 20, 5)
    assert losses.pose_loss(rotation(250, 20, 5), target, fold(0)).item() == pytest.approx(0, abs=1e-5)
    expected = 1 - np.cos(np.deg2rad(40))
    assert losses.pose_loss(rotation(250, 60, 5), target, fold(0)).item() == pytest.approx(expected, abs=1e-4)


def test_pose_loss_formula_per_image():
    a = torch.cat([rotation(10, 5, 0), rotation(200, -10, 8)])
    b = torch.cat([rotation(40, 15, 3), rotation(170, 0, 0)])
    value = losses.pose_loss(a, b, torch.tensor([1, 1]))
    for i in range(2):
        expected = 2 - a[i, :, 2] @ b[i, :, 2] - a[i, :, 1] @ b[i, :, 1]
        assert value[i].item() == pytest.approx(expected.item(), abs=1e-6)


def test_mask_loss_ignores_what_lies_outside_the_photograph():
    alpha, mask, valid = torch.ones(1, 4, 4), torch.zeros(1, 4, 4), torch.ones(1, 4, 4)
    valid[:, :, 2:] = 0
    assert losses.mask_loss(alpha, mask, valid).item() == pytest.approx(0.5)


def test_distance_loss_weighs_missing_pixels_by_their_depth():
    distance = torch.full((1, 4, 4), -1.0)
    distance[0, 1, 1], distance[0, 2, 2] = 2.0, 1.0
    alpha = torch.zeros(1, 4, 4)
    alpha[0, 2, 2] = 1
    assert losses.distance_loss(alpha, distance).item() == pytest.approx(2 / 16 / 4)


def test_the_border_of_the_crop_erodes_nothing():
    everywhere = torch.ones(1, 5, 5, dtype=torch.bool)
    assert losses.common_region(everywhere, everywhere.float()).all()
    corner = everywhere.clone()
    corner[0, 0, 0] = False
    region = losses.common_region(corner, everywhere.float())
    assert not region[0, :2, :2].any() and region.sum() == 21


def test_shares_of_vertices_stand_for_repeated_ones():
    generator = torch.Generator().manual_seed(0)
    canonical, deformed = torch.randn(3, 4, generator=generator), torch.randn(2, 3, 4, generator=generator)
    repeated = torch.tensor([0, 1, 1, 2, 2, 2])
    expected = losses.feature_consistency_loss(canonical[repeated], deformed[:, repeated])
    share = repeated.bincount() / len(repeated)
    torch.testing.assert_close(losses.feature_consistency_loss(canonical, deformed, share), expected)


def test_common_region_is_eroded_by_one_pixel():
    covered = torch.zeros(1, 8, 8, dtype=torch.bool)
    covered[0, 1:7, 1:7] = True
    mask = torch.zeros(1, 8, 8)
    mask[0, 2:8, 1:7] = 1
    expected = torch.zeros(1, 8, 8, dtype=torch.bool)
    expected[0, 3:6, 2:6] = True
    assert torch.equal(losses.common_region(covered, mask), expected)


def test_image_terms_count_the_region_only():
    region = torch.zeros(1, 4, 4, dtype=torch.bool)
    region[0, 0, 0] = True
    pixels = losses.region_pixels(region)
    rgb, features = (pixels.gather(image) for image in (torch.ones(1, 4, 4, 3), torch.full((1, 4, 4, 5), 2.0)))
    assert losses.rgb_loss(rgb, torch.zeros_like(rgb), pixels).item() == pytest.approx(1 / 16)
    assert losses.feature_loss(features, torch.zeros_like(features), pixels).item() == pytest.approx(4 / 16)


@given(st.integers(0, 1000))
def test_image_terms_of_a_regions_pixels_are_those_of_whole_images(seed):
    generator = torch.Generator().manual_seed(seed)
    region = torch.rand(3, 6, 6, generator=generator) < 0.3
    region[1] = False
    images, target = torch.rand(2, 3, 6, 6, 3, generator=generator)
    pixels = losses.region_pixels(region)
    shown, wanted = pixels.gather(images), pixels.gather(target)
    difference = images - target
    for loss, errors in ((losses.rgb_loss, difference.abs()), (losses.feature_loss, difference.square())):
        expected = (errors.mean(-1) * region).mean((1, 2))
        torch.testing.assert_close(loss(shown, wanted, pixels), expected, atol=1e-6, rtol=1e-5)


def test_feature_consistency_formula_and_one_sided_gradient():
    generator = torch.Generator().manual_seed(0)
    canonical = torch.rand(5, 3, generator=generator).requires_grad_()
    deformed = torch.rand(2, 5, 3, generator=generator).requires_grad_()
    value = losses.feature_consistency_loss(canonical, deformed)
    expected = np.mean([((canonical[i] - deformed[b, i]) ** 2).sum().item() for b in range(2) for i in range(5)])
    assert value.item() == pytest.approx(expected, rel=1e-5)
    value.backward()
    assert canonical.grad is None and deformed.grad.abs().sum() > 0


def test_eikonal_loss_asks_for_unit_gradients():
    assert losses.eikonal_loss(torch.tensor([[0.0, 0.0, 1.0], [3.0, 0.0, 0.0]])).item() == pytest.approx(2.0)


def test_logit_loss_does_not_move_its_target():
    logits, target = torch.zeros(2, requires_grad=True), torch.tensor([1.0, 2.0], requires_grad=True)
    value = losses.logit_loss(logits, target)
    torch.testing.assert_close(value, torch.tensor([1.0, 4.0]))
    value.sum().backward()
    assert target.grad is None and torch.equal(logits.grad, torch.tensor([-2.0, -4.0]))


def test_size_loss_is_relative_and_vanishes_at_the_radius():
    def value(centre, radius):
        return losses.surface_size_loss(torch.tensor(centre), torch.tensor(radius), 1.2).item()

    assert value([0.0, 0.0, 0.0], 1.2) == pytest.approx(0, abs=1e-10)
    assert value([0.0, 0.0, 0.0], 1.2 * math.e) == pytest.approx(1, rel=1e-5)
    assert value([0.0, 0.0, 0.0], 1.2 / math.e**3) == pytest.approx(9, rel=1e-5)
    assert value([0.0, 1.2, 0.0], 1.2) == pytest.approx(1, rel=1e-5)
