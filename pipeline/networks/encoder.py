"""Small convolutional encoder from patch tokens to one vector for each image (SEMAGIC section 4.1)."""

import math

from jaxtyping import Float
from torch import Tensor, nn

from pipeline.errors import InputError


class TokenEncoder(nn.Module):
    """Halves a T x T token map by 4x4 convolutions until it is 4 x 4, then reads it with one more (MagicPony).

    Raises:
        InputError: T is not a power of two of at least 8.
    """

    def __init__(self, grid: int, channels: int, width: int, dims: int):
        super().__init__()
        halvings = math.log2(grid) - 2
        if halvings < 1 or halvings != int(halvings):
            raise InputError(f"features.grid must be a power of two of at least 8; found {grid}.")
        layers: list[nn.Module] = []
        for index in range(int(halvings)):
            layers += [
                nn.Conv2d(channels if index == 0 else width, width, 4, stride=2, padding=1, bias=False),
                nn.GroupNorm(math.gcd(width, 16), width),
                nn.LeakyReLU(0.2),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(width, dims, 4))

    def forward(self, tokens: Float[Tensor, "B T T D"]) -> Float[Tensor, "B dims"]:
        return self.layers(tokens.permute(0, 3, 1, 2)).flatten(1)
