"""Pose augmentation: turning the picture of a posed object equals picturing the object in the turned pose."""

import numpy as np
import torch

from pipeline.config.params import PoseAugmentation
from pipeline.photographs.cameras import object_rotation
from pipeline.training.augment import augment_pose, mix_backgrounds
from pipeline.training.dataset import PoseBatch


def pose_batch(tokens, rotation):
    everywhere = torch.ones(tokens.shape[:3], dtype=torch.bool)
    return PoseBatch(tokens, everywhere, rotation, torch.ones(len(tokens), dtype=torch.int64))


def splat(points, size=64):
    """A token map with the two outermost points of an object drawn as smooth blobs, one in each channel."""
    grid = (torch.arange(size) + 0.5) / size * 2 - 1
    y, x = torch.meshgrid(-grid, grid, indexing="ij")
    return torch.stack([torch.exp(-((x - p[0]) ** 2 + (y - p[1]) ** 2) / 0.01) for p in points], -1)[None]


def centres(maps):
    size = maps.shape[1]
    grid = (torch.arange(size) + 0.5) / size * 2 - 1
    weight = maps[0] / maps[0].sum((0, 1))
    x = (weight * grid[None, :, None]).sum((0, 1))
    y = (weight * -grid[:, None, None]).sum((0, 1))
    return torch.stack([x, y], -1)


def test_turned_tokens_show_the_turned_object():
    object_points = torch.tensor([[0.0, 0.5, 0.0], [0.5, -0.2, 0.1]])
    rotation = torch.from_numpy(object_rotation(20.0, 10.0, 5.0)).float()[None]
    maps = splat((object_points @ rotation[0].T)[:, :2])
    params = PoseAugmentation(background=0.5, rotation=40.0, log_scale=0.0, shift=0.0)
    for seed in range(5):
        augmented = augment_pose(pose_batch(maps, rotation), params, torch.Generator().manual_seed(seed))
        expected = (object_points @ augmented.rotation[0].T)[:, :2]
        torch.testing.assert_close(centres(augmented.tokens), expected, atol=0.02, rtol=0)
    assert not torch.allclose(augmented.rotation, rotation, atol=0.05)


def test_scale_and_shift_keep_the_pose():
    rotation = torch.from_numpy(object_rotation(20.0, 10.0, 5.0)).float()[None]
    maps = splat(torch.tensor([[0.3, 0.3], [-0.3, -0.3]]))
    params = PoseAugmentation(background=0.5, rotation=0.0, log_scale=0.3, shift=0.2)
    augmented = augment_pose(pose_batch(maps, rotation), params, torch.Generator().manual_seed(1))
    torch.testing.assert_close(augmented.rotation, rotation)
    moved = centres(augmented.tokens)
    assert not torch.allclose(moved, centres(maps), atol=0.02)
    direction = moved[0] - moved[1]
    assert abs(float(direction[0] - direction[1])) < 0.02


def test_no_augmentation_is_the_identity():
    params = PoseAugmentation(background=0.5, rotation=0.0, log_scale=0.0, shift=0.0)
    tokens = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 8, 8, 3))).float()
    rotation = torch.eye(3).expand(2, 3, 3)
    augmented = augment_pose(pose_batch(tokens, rotation), params, torch.Generator().manual_seed(0))
    torch.testing.assert_close(augmented.tokens, tokens, atol=1e-5, rtol=0)
    torch.testing.assert_close(augmented.rotation, rotation)


def test_mixed_backgrounds_keep_the_object():
    generator = torch.Generator().manual_seed(3)
    tokens = torch.randn(40, 6, 6, 2, generator=generator)
    foreground = torch.rand(40, 6, 6, generator=generator) < 0.4
    mixed = mix_backgrounds(tokens, foreground, 0.5, generator)
    assert torch.equal(mixed[foreground], tokens[foreground])
    changed = (mixed != tokens).any(-1)
    assert 0.3 < changed.any(2).any(1).float().mean() < 0.7
    # What is new comes from one other crop, from its background at the mirrored place.
    for image in range(40):
        for row, column in changed[image].nonzero().tolist():
            place = (slice(None), row, 5 - column)
            source = (tokens[place] == mixed[image, row, column]).all(-1) & ~foreground[place]
            assert source.sum() == 1


def test_no_background_is_mixed_at_share_zero():
    tokens = torch.randn(4, 6, 6, 2)
    nothing = torch.zeros(4, 6, 6, dtype=torch.bool)
    assert torch.equal(mix_backgrounds(tokens, nothing, 0.0, torch.Generator().manual_seed(0)), tokens)
