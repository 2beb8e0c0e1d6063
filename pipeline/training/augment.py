"""Augmentation of token maps, so that the pose head sees more views and backgrounds than the training images show."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from pipeline.config.training_params import PoseAugmentation
from pipeline.hardware.transfers import send
from pipeline.photographs.cameras import product, roll_rotation
from pipeline.training.dataset import PoseBatch


class Augmented(NamedTuple):
    """Token maps of rotated, scaled and shifted crops, and the rotations of their objects."""

    tokens: Float[Tensor, "B G G D"]
    rotation: Float[Tensor, "B 3 3"]


def augment_pose(poses: PoseBatch, params: PoseAugmentation, generator: torch.Generator) -> Augmented:
    """Augment crops and their pose labels: replace backgrounds, then rotate, scale and shift each crop at random.

    Rotating the image counter-clockwise by an angle a rotates the object by Rz(a) in the camera frame. Tokens from
    outside the crop are zero, as beyond the edge of a photograph.
    """
    tokens = mix_backgrounds(poses.tokens, poses.foreground, params.background, generator)
    count = len(tokens)

    # These few numbers stay on the CPU: GPU launches would cost more, and its products might have reduced precision.
    def uniform(*shape: int) -> Tensor:
        return 2 * torch.rand(*shape, generator=generator) - 1

    angle = torch.deg2rad(params.rotation * uniform(count))
    scale = torch.exp(params.log_scale * uniform(count))
    shift = params.shift * uniform(count, 2)
    cos, sin = angle.cos(), angle.sin()
    # `affine_grid` expects the map from the new image to the old one, with y down.
    inverse = torch.stack(
        [torch.stack([cos, -sin], -1) / scale[:, None], torch.stack([sin, cos], -1) / scale[:, None]], 1
    )
    theta = torch.cat([inverse, shift[..., None]], -1)
    maps = tokens.permute(0, 3, 1, 2)
    grid = functional.affine_grid(theta, list(maps.shape), align_corners=False)
    turned = functional.grid_sample(maps, send(grid, tokens.device), align_corners=False).permute(0, 2, 3, 1)
    return Augmented(turned, product(send(roll_rotation(angle), tokens.device), poses.rotation))


def mix_backgrounds(
    tokens: Float[Tensor, "B G G D"], foreground: Bool[Tensor, "B G G"], share: float, generator: torch.Generator
) -> Float[Tensor, "B G G D"]:
    """Replace backgrounds in a share of the crops by those of other crops, mirrored.

    A patch takes the token of the other crop if it is background in both.
    """
    count, device = len(tokens), tokens.device
    other = send(torch.randperm(count, generator=generator), device)
    mixed = send(torch.rand(count, generator=generator) < share, device)
    strange_background = ~foreground.index_select(0, other).flip(2)
    replaced = mixed[:, None, None] & ~foreground & strange_background
    # Each patch is gathered once from its source, while whole crops would be copied four times.
    patches = torch.arange(foreground.numel(), device=device).view_as(foreground)
    source = torch.where(replaced, patches.index_select(0, other).flip(2), patches)
    return tokens.flatten(0, 2).index_select(0, source.flatten()).view_as(tokens)
