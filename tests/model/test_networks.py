"""Coordinate MLPs, encoders and the pose head against slow references and their stated ranges."""

import math

import numpy as np
import pytest
import torch

from pipeline.base.errors import InputError
from pipeline.config.model_params import Mlp
from pipeline.model.encoder import GAIN, SHARPNESS, KeypointEncoder, TokenEncoder
from pipeline.model.light import LightHead, shade
from pipeline.model.mlp import CoordinateMlp, PositionalEncoding
from pipeline.model.pose import QUADRANTS, PoseHead
from support.tiny import tiny_params


def encode_slowly(point, frequencies, extent):
    w = 0.9 * 2 * math.pi / extent
    values = list(point)
    values += [math.sin(2**k * w * x) for k in range(frequencies) for x in point]
    values += [math.cos(2**k * w * x) for k in range(frequencies) for x in point]
    return values


def test_positional_encoding_formula():
    points = torch.tensor([[0.3, -1.0, 2.0], [0.0, 0.5, -0.25]])
    expected = [encode_slowly(p, 4, 5.0) for p in points.tolist()]
    encoding = PositionalEncoding(4, 5.0)
    assert encoding.dims == 27
    np.testing.assert_allclose(encoding(points).numpy(), expected, atol=1e-4)


def test_derivatives_of_the_encoding():
    points = 2 * torch.rand(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 1
    points.requires_grad_()
    encoding = PositionalEncoding(3, 5.0).double()
    assert torch.autograd.gradcheck(encoding, points)
    assert torch.autograd.gradgradcheck(encoding, points)


def test_conditioning_equals_concatenation():
    """The image code, added after its own linear map, acts as one more input of a single linear layer."""
    torch.manual_seed(0)
    mlp = CoordinateMlp(3, Mlp(4, 8, 2), 5.0, point_dims=5, image_dims=6)
    points, codes, images = torch.randn(7, 3), torch.randn(7, 5), torch.randn(2, 6)
    fast = mlp(points, codes, images)
    first = torch.cat([mlp.point.weight, mlp.image.weight], 1)
    for b in range(2):
        for i in range(7):
            inputs = torch.cat([mlp.input(mlp.encoding(points[i : i + 1])[0]).relu(), codes[i], images[b]])
            hidden = first @ inputs
            for layer in mlp.hidden:
                hidden = layer.weight @ hidden.relu()
            torch.testing.assert_close(fast[b, i], mlp.output.weight @ hidden.relu())


def test_points_of_their_own_image():
    torch.manual_seed(0)
    mlp = CoordinateMlp(3, Mlp(3, 8, 2), 5.0, image_dims=6)
    points, images, owner = torch.randn(7, 3), torch.randn(2, 6), torch.tensor([0, 1, 1, 0, 0, 1, 0])
    everything = mlp(points, image_codes=images)
    torch.testing.assert_close(
        mlp(points, image_codes=images, image_of_point=owner), everything[owner, torch.arange(7)]
    )


@pytest.mark.parametrize("layers", [2, 4])
def test_gradient_and_its_derivatives_are_autograds(layers):
    torch.manual_seed(0)
    mlp = CoordinateMlp(1, Mlp(layers, 8, 3), 5.0).double()
    points, upstream = torch.randn(2, 11, 3, dtype=torch.float64).unbind(0)
    points.requires_grad_()
    expected = torch.autograd.grad(mlp(points).sum(), points, create_graph=True)[0]
    found = mlp.gradient(points.detach())
    torch.testing.assert_close(found, expected)
    # Biases have no effect on the gradient of a piecewise linear network; the two may call that zero or nothing.
    weights = [parameter for parameter in mlp.parameters() if parameter.ndim == 2]
    for fast, slow in zip(
        *(torch.autograd.grad((gradient * upstream).sum(), weights) for gradient in (found, expected)), strict=True
    ):
        torch.testing.assert_close(fast, slow)


def test_activations_keep_their_scale_through_the_layers():
    """With torch's default weights seven layers leave four millionths of the mean square."""
    torch.manual_seed(0)
    mlp = CoordinateMlp(3, Mlp(9, 256, 4), 5.0)
    seen = []
    for layer in (mlp.hidden[0], mlp.output):
        layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].square().mean().item()))
    mlp(5 * torch.rand(500, 3) - 2.5)
    assert 0.5 < seen[1] / seen[0] < 2


@pytest.mark.parametrize("grid", [8, 16, 32])
def test_encoder_reduces_any_power_of_two(grid):
    assert TokenEncoder(grid, 6, 16, 10)(torch.zeros(2, grid, grid, 6)).shape == (2, 10)


@pytest.mark.parametrize("grid", [4, 12, 33])
def test_encoder_refuses_other_grids(grid):
    with pytest.raises(InputError, match="features.grid must be a power of two"):
        TokenEncoder(grid, 6, 16, 10)


@pytest.mark.parametrize("pool", [1, 2, 3])
def test_keypoint_encoder_reads_where_its_keypoints_are(pool):
    """Against loops over the patches, or over the means of squares of them."""
    torch.manual_seed(0)
    encoder = KeypointEncoder(5 * pool, 3, 8, 2, 4, pool)
    tokens = torch.randn(2, 5 * pool, 5 * pool, 3)
    outputs = encoder(tokens)
    rows = [
        [tokens[:, pool * i : pool * (i + 1), pool * j : pool * (j + 1)].mean((1, 2)) for j in range(5)]
        for i in range(5)
    ]
    tokens = torch.stack([torch.stack(row, 1) for row in rows], 1)
    torch.testing.assert_close(encoder(tokens), outputs)
    for b in range(2):
        means, spreads, evidence = [], [], []
        for k in range(2):
            logits = {
                (i, j): SHARPNESS * encoder.detector(tokens[b, i, j])[k].item() for i in range(5) for j in range(5)
            }
            total = sum(math.exp(value) for value in logits.values())
            place = {key: ((2 * key[1] + 1) / 5 - 1, (2 * key[0] + 1) / 5 - 1) for key in logits}
            x, y = (sum(math.exp(logits[key]) / total * place[key][axis] for key in logits) for axis in (0, 1))
            squares = (
                math.exp(logits[key]) / total * ((place[key][0] - x) ** 2 + (place[key][1] - y) ** 2) for key in logits
            )
            means += [GAIN * x, GAIN * y]
            spreads.append(GAIN * sum(squares))
            evidence.append(math.tanh(math.log(total / 25) / 4))
        expected = encoder.reader(torch.tensor(means + spreads + evidence))
        torch.testing.assert_close(outputs[b], expected, atol=1e-4, rtol=1e-4)


def test_keypoint_encoder_refuses_squares_that_do_not_fit():
    with pytest.raises(InputError, match=r"model\.pose\.pool must divide features\.grid, which is 8; found 3"):
        KeypointEncoder(8, 3, 8, 2, 4, 3)


@pytest.mark.parametrize("hypotheses", [1, 4])
def test_pose_head_yields_rotations_within_its_ranges(hypotheses):
    torch.manual_seed(0)
    params = tiny_params().model.pose
    pose = PoseHead(8, 6, 16, params, hypotheses)(30 * torch.randn(5, 8, 8, 6))
    identity = torch.eye(3).expand(5, hypotheses, 3, 3)
    torch.testing.assert_close(pose.rotations @ pose.rotations.transpose(-1, -2), identity, atol=1e-5, rtol=0)
    bounds = params if hypotheses == 1 else params.hypotheses
    up = pose.rotations[..., 1]
    assert up[..., 2].abs().max() <= math.sin(math.radians(bounds.max_elevation)) + 1e-5
    theta = torch.atan2(-up[..., 0], up[..., 1]).abs().rad2deg()
    assert theta.max() <= bounds.max_theta + 0.01
    assert pose.offset.abs().max() <= params.max_offset
    assert pose.log_zoom.abs().max() <= math.log(params.max_zoom)


def test_each_hypothesis_stays_in_its_quadrant():
    torch.manual_seed(0)
    head = PoseHead(8, 6, 16, tiny_params(model__pose__hypotheses__max_theta=0.0).model.pose, 4)
    pose = head(30 * torch.randn(64, 8, 8, 6))
    cosine, sine = pose.rotations[..., 0, 0], -pose.rotations[..., 0, 2]
    for k, (sign_cosine, sign_sine) in enumerate(QUADRANTS):
        assert (cosine[:, k] * sign_cosine >= 0).all() and (sine[:, k] * sign_sine >= 0).all()


def test_best_hypothesis_has_the_lowest_estimated_loss():
    torch.manual_seed(0)
    pose = PoseHead(8, 6, 16, tiny_params().model.pose, 4)(torch.randn(3, 8, 8, 6))
    best = pose.best()
    for b in range(3):
        k = min(range(4), key=lambda k: pose.logits[b, k].item())
        torch.testing.assert_close(best.rotation[b], pose.rotations[b, k])


def test_batches_of_tokens_go_through_the_pose_head_one_after_the_other():
    torch.manual_seed(0)
    head = PoseHead(8, 6, 8, tiny_params().model.pose, 4)
    first, second = torch.randn(3, 8, 8, 6), torch.randn(2, 8, 8, 6)
    for found, *parts in zip(head(first, second), head(first), head(second), strict=True):
        torch.testing.assert_close(found, torch.cat(parts))


def test_light_is_brightest_towards_its_direction():
    torch.manual_seed(0)
    light = LightHead(6, 8)
    normals = torch.nn.functional.normalize(torch.randn(500, 3), dim=-1)
    shading = shade(light(torch.randn(1, 6)), normals, torch.zeros(500, dtype=torch.int64))
    assert 0 <= shading.min() and shading.max() <= 2
    assert shading[normals[:, 1] > 0.9].mean() > shading[normals[:, 1] < -0.9].mean()
