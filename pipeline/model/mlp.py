"""Coordinate MLPs with positional encoding, optionally conditioned on a code for each image."""

import math
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from pipeline.config.model_params import Mlp
from pipeline.photographs.cameras import product


class PositionalEncoding(nn.Module):
    """gamma(x) = [x, sin(2^k w x), cos(2^k w x)], k = 0..K-1, w = 0.9 * 2 pi / extent (MagicPony)."""

    spread: Float[Tensor, "3 3K"]

    def __init__(self, frequencies: int, extent: float):
        super().__init__()
        scales = 0.9 * 2 * math.pi / extent * 2.0 ** torch.arange(frequencies)
        # [3, 3 K], columns 3 k to 3 k + 2 for scale k: on a CPU a product costs half of an outer product with `scales`.
        spread = (scales[:, None] * torch.eye(3)[:, None]).flatten(1)
        self.register_buffer("spread", spread, persistent=False)
        self.dims = 3 + 6 * frequencies

    def forward(self, points: Float[Tensor, "N 3"]) -> Float[Tensor, "N C"]:
        return _Encode.apply(points, self.spread)

    def pull_back(self, encoded: Float[Tensor, "N C"], gradient: Float[Tensor, "N C"]) -> Float[Tensor, "N 3"]:
        """Gradient by the points, from their encoding and the gradient by it."""
        return _pull_back(encoded, gradient, self.spread)


class _Encode(torch.autograd.Function):
    """The encoding holds all sines and cosines that its gradient needs; autograd would compute them again.

    It may be differentiated any number of times, though not by torch.func.
    """

    @staticmethod
    def forward(ctx: Any, points: Tensor, spread: Tensor) -> Tensor:
        angles = product(points, spread)
        encoded = torch.cat([points, angles.sin(), angles.cos()], -1)
        ctx.save_for_backward(encoded, spread)
        return encoded

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        encoded, spread = ctx.saved_tensors
        return _pull_back(encoded, gradient, spread), None


def _pull_back(encoded: Tensor, gradient: Tensor, spread: Tensor) -> Tensor:
    count = spread.shape[1]
    _, sine, cosine = encoded.split([3, count, count], -1)
    direct, by_sine, by_cosine = gradient.split([3, count, count], -1)
    return direct + product(by_sine * cosine - by_cosine * sine, spread.mT)


class CoordinateMlp(nn.Module):
    """Points to values: an encoded linear input layer, then `layers` linear layers with ReLU between them.

    `point_dims` further inputs belong to each point, `image_dims` to each image. The first of the `layers` acts on
    the concatenation [ReLU(W gamma(x)), point code, image code]; its image part is computed once for each image.
    With `zero_output` the last layer starts at zero, so that the network adds nothing until it has learned something.
    The other layers start with the variance that keeps activations at their scale (He et al., Delving Deep into
    Rectifiers, 2015); torch's default loses more than half of it in each layer, and little reaches the far end.

    Args:
        size: number of layers, their width, and the number of frequencies of the encoding.
        extent: side of the region that the coordinates span, in object units.
    """

    def __init__(
        self,
        out_dims: int,
        size: Mlp,
        extent: float,
        point_dims: int = 0,
        image_dims: int = 0,
        zero_output: bool = False,
    ):
        super().__init__()
        width = size.width
        self.encoding = PositionalEncoding(size.frequencies, extent)
        self.input = nn.Linear(self.encoding.dims, width)
        self.point = nn.Linear(width + point_dims, width, bias=False)
        self.image = nn.Linear(image_dims, width, bias=False) if image_dims else None
        hidden = [nn.Linear(width, width, bias=False) for _ in range(size.layers - 2)]
        self.hidden = nn.ModuleList(hidden)
        self.output = nn.Linear(width, out_dims, bias=False)
        for layer in (self.input, self.point, self.image, *hidden):
            if layer is not None:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if zero_output:
            nn.init.zeros_(self.output.weight)

    def forward(
        self,
        points: Float[Tensor, "N 3"],
        point_codes: Float[Tensor, "N P"] | None = None,
        image_codes: Float[Tensor, "B I"] | None = None,
        image_of_point: Int64[Tensor, "N"] | None = None,
    ) -> Float[Tensor, "N out"] | Float[Tensor, "B N out"]:
        """Values at `points`.

        With `image_codes` the result has a leading image dimension, every point being evaluated for every image;
        with `image_of_point` as well, each point is evaluated for its own image only.
        """
        hidden = functional.relu(self.input(self.encoding(points)), inplace=True)
        if point_codes is not None:
            hidden = torch.cat([hidden, point_codes], -1)
        hidden = self.point(hidden)
        if self.image is None:
            return self._last_layers(hidden)
        image = self.image(image_codes)
        if image_of_point is not None:
            return self._last_layers(hidden + image.index_select(0, image_of_point))
        # On a CPU image by image, as one image's activations fit into a core's cache: a sixth less time.
        if hidden.device.type == "cpu":
            return torch.stack([self._last_layers(hidden + row) for row in image])
        return self._last_layers(hidden + image[:, None])

    def gradient(self, points: Float[Tensor, "N 3"]) -> Float[Tensor, "N 3"]:
        """Gradient of a network of one output, without codes, by `points`; differentiable in the weights.

        Between the kinks of its ReLUs the network is linear in the encoded points, so that with the masks m of one
        forward pass the gradient is the product w_out m_L W_L ... m_1 W_1. Differentiating autograd's backward pass
        instead would go through the forward pass again for nothing.
        """
        with torch.no_grad():
            encoded = self.encoding(points)
            hidden, masks = self.input(encoded), []
            for layer in (self.point, *self.hidden, None):
                masks.append(hidden.relu_().sign())
                hidden = hidden if layer is None else layer(hidden)
        gradient = self.output.weight * masks.pop()
        for layer in (*reversed(self.hidden), self.point):
            gradient = (gradient @ layer.weight) * masks.pop()
        return self.encoding.pull_back(encoded, gradient @ self.input.weight)

    def _last_layers(self, hidden: Float[Tensor, "*N width"]) -> Float[Tensor, "*N out"]:
        for layer in self.hidden:
            hidden = layer(functional.relu(hidden, inplace=True))
        return self.output(functional.relu(hidden, inplace=True))


def fold_x(points: Float[Tensor, "*N 3"]) -> Float[Tensor, "*N 3"]:
    """(|x|, y, z): a function of it is symmetric about the plane x = 0."""
    x, others = points.split([1, 2], -1)
    return torch.cat([x.abs(), others], -1)
