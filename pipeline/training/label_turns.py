"""Turns by which the pose labels of the training images are refined while the template is learned.

A label is off by some degrees, and the template blurs by as much. Each time that an image is rendered in the pose of
its label, the label is turned a little against the gradient of what the rendering got wrong. The paper has no
such step.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from pipeline.config.training_params import LabelRefinement
from pipeline.hardware.transfers import constant

MIRRORED = (1.0, -1.0, -1.0)
"""Signs of a turn in the mirror image: as the axis of a rotation, it is a pseudovector."""


class Turned(NamedTuple):
    """Rotations of B images, and the turns that a loss on these rotations gives gradients to."""

    rotation: Float[Tensor, "B 3 3"]
    turn: Float[Tensor, "B 3"]
    """Zero; its gradient is that by a turn about the camera's axes, in radians."""


def turnable(rotation: Float[Tensor, "B 3 3"]) -> Turned:
    """Let the gradient of a loss on `rotation` be taken by turns w of it: R + w x R, which is R where w is zero."""
    turn = torch.zeros_like(rotation[:, 0], requires_grad=True)
    return Turned(rotation + _cross(turn, rotation), turn)


def apply_turns(turn: Float[Tensor, "B 3"], rotation: Float[Tensor, "B 3 3"]) -> Float[Tensor, "B 3 3"]:
    """exp([w]) R, by Rodrigues' formula: a turn about the axis w of the camera frame, by |w| radians."""
    angle = turn.norm(dim=-1)[:, None, None]
    axis = turn / angle[:, 0].clamp(min=1e-12)
    once = _cross(axis, rotation)
    return rotation + angle.sin() * once + (1 - angle.cos()) * _cross(axis, once)


def moved_turns(
    turns: Float[Tensor, "N 3"],
    index: Int64[Tensor, "B"],
    mirrored: Bool[Tensor, "B"],
    gradient: Float[Tensor, "B 3"],
    params: LabelRefinement,
) -> Float[Tensor, "N 3"]:
    """The turns after a step: w <- (1 - shrinkage) w - step g / |g| for the images at `index`.

    Every image that is rendered takes a step of the same length, however large its loss is. One without a gradient
    takes none. The shrinkage stands for a prior: labels are right on average.

    Args:
        mirrored: whether the gradient is that of the mirror image.
        gradient: by a turn of the rendered pose, at zero (`turnable`).
    """
    sign = torch.where(mirrored[:, None], constant(MIRRORED, gradient), 1.0)
    direction = sign * gradient / gradient.norm(dim=-1, keepdim=True).clamp(min=1e-12)
    # Added, so that an image that is drawn twice, at the border of two epochs, takes both steps.
    change = -params.shrinkage * turns.index_select(0, index) - params.step * (torch.pi / 180) * direction
    return turns.index_add(0, index, change)


def _cross(axis: Float[Tensor, "B 3"], rotation: Float[Tensor, "B 3 3"]) -> Float[Tensor, "B 3 3"]:
    """w x each column of a matrix."""
    return torch.linalg.cross(axis[:, :, None].expand_as(rotation), rotation, dim=1)
