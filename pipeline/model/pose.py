"""Pose head: patch tokens to viewpoint hypotheses and to a correction of the fitted crop (MagicPony, SEMAGIC 3.4)."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from pipeline.base.errors import InputError
from pipeline.config.model_params import Pose as PoseParams
from pipeline.hardware.transfers import constant
from pipeline.model.encoder import KeypointEncoder
from pipeline.photographs.cameras import rotation_from_angles

QUADRANTS = ((1.0, 1.0), (1.0, -1.0), (-1.0, -1.0), (-1.0, 1.0))
"""Signs of (cos azimuth, sin azimuth) for four hypotheses."""


class PoseHypotheses(NamedTuple):
    """The viewpoint hypotheses of each image, and one correction of its fitted crop."""

    rotations: Float[Tensor, "B K 3 3"]
    """Rotations from the object frame to the camera frame."""
    logits: Float[Tensor, "B K"]
    """Estimated reconstruction loss of each hypothesis: lower is better. Zero where there is one hypothesis."""
    offset: Float[Tensor, "B 2"]
    """Shift in NDC that follows the fit of the projected object to its box."""
    log_zoom: Float[Tensor, "B"]
    """Natural logarithm of the zoom that follows the fit of the projected object to its box."""

    def pick(self, index: Int64[Tensor, "B"]) -> "PoseEstimate":
        """The hypothesis at `index` of each image."""
        rotation = self.rotations[torch.arange(len(index), device=index.device), index]
        return PoseEstimate(rotation, self.offset, self.log_zoom)

    def best(self) -> "PoseEstimate":
        """The hypothesis of each image with the lowest estimated loss."""
        return self.pick(self.logits.argmin(-1))


class PoseEstimate(NamedTuple):
    """One pose for each image; the fields are those of `PoseHypotheses`."""

    rotation: Float[Tensor, "B 3 3"]
    """Rotation from the object frame to the camera frame."""
    offset: Float[Tensor, "B 2"]
    log_zoom: Float[Tensor, "B"]


class PoseHead(nn.Module):
    """K azimuth hypotheses with elevation and in-plane rotation, and one offset and zoom for each image.

    With K = 1 the azimuth is any unit vector; with K = 4 hypothesis k stays in its quadrant: softplus outputs, one
    half at zero, times the quadrant's signs. Elevation and in-plane rotation are bounded by tanh.

    The logits have an encoder of their own. In MagicPony one network yields both; their regression, whose gradient is
    by far the larger, then keeps the angles from following the images for many steps.
    """

    def __init__(self, grid: int, channels: int, width: int, params: PoseParams, hypotheses: int):
        super().__init__()
        if hypotheses not in (1, 4):
            raise InputError(f"model.pose.hypotheses.count must be 1 or 4; found {hypotheses}.")
        self.params = params
        self.hypotheses = hypotheses
        bounds = params if hypotheses == 1 else params.hypotheses
        self.max_elevation, self.max_theta = math.radians(bounds.max_elevation), math.radians(bounds.max_theta)
        sizes = grid, channels, width, params.keypoints
        self.encoder = KeypointEncoder(*sizes, 4 * hypotheses + 3, params.pool)
        self.logits = KeypointEncoder(*sizes, hypotheses, params.pool) if hypotheses > 1 else None
        *_, weight, bias = self.encoder.reader.parameters()
        with torch.no_grad():
            weight.mul_(0.1)
            bias.zero_()
            if hypotheses == 1:
                bias[0] = 1.0  # A frontal start: the direction of a zero vector is undefined.

    def forward(self, *tokens: Float[Tensor, "_ _T _T D"]) -> PoseHypotheses:
        """The hypotheses of the images in one or more batches, one batch after the other.

        Args:
            tokens: maps of the features' grid, or of means over squares of `pool` tokens.
        """
        outputs = self.encoder(*tokens)
        angles, camera = outputs.split([4 * self.hypotheses, 3], -1)
        logits = self.logits(*tokens) if self.logits else outputs.new_zeros(len(outputs), 1)
        angles = angles.unflatten(-1, (self.hypotheses, 4))
        direction = angles[..., :2]
        if self.hypotheses == 4:
            # softplus with value one half at zero, as MagicPony's.
            direction = functional.softplus(direction, beta=2 * math.log(2)) * constant(QUADRANTS, direction)
        return PoseHypotheses(
            rotation_from_angles(
                functional.normalize(direction, dim=-1),
                self.max_elevation * angles[..., 2].tanh(),
                self.max_theta * angles[..., 3].tanh(),
            ),
            logits,
            self.params.max_offset * camera[:, :2].tanh(),
            math.log(self.params.max_zoom) * camera[:, 2].tanh(),
        )
