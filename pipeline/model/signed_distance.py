"""The signed distance whose zero level is the template while it changes (MagicPony)."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from pipeline.config.model_params import Sdf
from pipeline.hardware.transfers import constant
from pipeline.model.mlp import CoordinateMlp, fold_x


class SignedDistance(nn.Module):
    """A sphere or ellipsoid plus a learned correction: positive inside; symmetric about x = 0 unless told otherwise.

    The ellipsoid is a - ||(x, y, z / elongation)||; a = radius sqrt(3 / (2 + elongation^2)) makes radius^2 the mean
    of its squared semi-axes. MagicPony's is twice as long as wide, which tells side views from frontal ones.

    Args:
        extent: side of the grid that the distance is evaluated on, in object units.
        elongation: length of the ellipsoid along z over its width; 1 for a sphere.
    """

    def __init__(self, params: Sdf, extent: float, elongation: float):
        super().__init__()
        self.radius, self.elongation = params.radius, elongation
        self.symmetric = params.symmetric
        self.correction = CoordinateMlp(1, params, extent, zero_output=True)

    def forward(self, points: Float[Tensor, "V 3"]) -> Float[Tensor, "V"]:
        """The distance at object-frame points, in object units."""
        semi_axis = self.radius * math.sqrt(3 / (2 + self.elongation**2))
        distance = (points / constant((1.0, 1.0, self.elongation), points)).norm(dim=-1)
        return semi_axis - distance + self.correction(self._folded(points))[:, 0]

    def gradient(self, points: Float[Tensor, "P 3"]) -> Float[Tensor, "P 3"]:
        """The gradient of the distance by `points`, differentiable in the weights."""
        axes = constant((1.0, 1.0, self.elongation), points)
        ellipsoid = functional.normalize(points / axes, dim=-1) / axes
        correction = self.correction.gradient(self._folded(points))
        if self.symmetric:
            correction = torch.cat([correction[:, :1] * points[:, :1].sign(), correction[:, 1:]], -1)
        return correction - ellipsoid

    def _folded(self, points: Float[Tensor, "P 3"]) -> Float[Tensor, "P 3"]:
        return fold_x(points) if self.symmetric else points
