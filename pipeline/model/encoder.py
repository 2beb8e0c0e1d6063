"""Small convolutional encoders from patch tokens to one vector for each image (SEMAGIC section 4.1)."""

import math
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipeline.base.errors import InputError


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
        # A 4x4 convolution of a 4 x 4 map is a linear layer, and runs faster as one.
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * width, dims))

    def forward(self, tokens: Float[Tensor, "B T T D"]) -> Float[Tensor, "B dims"]:
        return self.layers(tokens.permute(0, 3, 1, 2))


SHARPNESS, GAIN = 10.0, 3.0
"""Factors on a keypoint's logits and on its position: untrained keypoints would all lie in the middle of the crop."""


PIECE = 2048
"""Tokens that are looked for keypoints at a time."""


def average_squares(tokens: Float[Tensor, "B T T D"], side: int) -> Float[Tensor, "B G G D"]:
    """Means over squares of `side` x `side` tokens; several times as fast as average pooling in this memory layout."""
    if side == 1:
        return tokens
    strips = tokens.unflatten(1, (-1, side)).unbind(2)
    columns = cast(Tensor, sum(strips)).unflatten(2, (-1, side)).unbind(3)
    return cast(Tensor, sum(columns)) / side**2


class KeypointEncoder(nn.Module):
    """Finds `keypoints` soft keypoints in a token map and reads their arrangement.

    Three linear layers, applied to each token, give each keypoint k a map of logits l_k; p_k = softmax(l_k) over the
    patches. Its mean position sum p x, its spread sum p |x - mean|^2 and its evidence log mean exp l_k go through a
    small MLP (spatial soft argmax: Finn et al., Deep Spatial Autoencoders, 2016). What a patch shows is thus learned
    apart from where it is, so that an arrangement that no training image has is still read.

    Args:
        pool: side of the squares of tokens that are averaged first.

    Raises:
        InputError: `pool` does not divide the grid.
    """

    moments: Float[Tensor, "P 4"]
    """Position (x, y) of each patch and its square."""

    def __init__(self, grid: int, channels: int, width: int, keypoints: int, dims: int, pool: int = 1):
        super().__init__()
        if grid % pool:
            raise InputError(f"model.pose.pool must divide features.grid, which is {grid}; found {pool}.")
        self.side = grid // pool
        self.detector = nn.Sequential(
            nn.Linear(channels, width),
            nn.ReLU(inplace=True),
            nn.Linear(width, width),
            nn.ReLU(inplace=True),
            nn.Linear(width, keypoints),
        )
        self.reader = nn.Sequential(
            nn.Linear(4 * keypoints, 2 * width),
            nn.ReLU(),
            nn.Linear(2 * width, 2 * width),
            nn.ReLU(),
            nn.Linear(2 * width, dims),
        )
        centres = (torch.arange(self.side) + 0.5) / self.side * 2 - 1
        y, x = torch.meshgrid(centres, centres, indexing="ij")
        positions = torch.stack([x, y], -1).reshape(-1, 2)
        self.register_buffer("moments", torch.cat([positions, positions.square()], -1), persistent=False)

    def forward(self, *tokens: Float[Tensor, "_ _T _T D"]) -> Float[Tensor, "B dims"]:
        """Vectors of the images in one or more batches, one after the other.

        Args:
            tokens: maps of the grid's size, or of means over its squares, which are taken as they are.
        """
        rows = torch.cat([average_squares(batch, batch.shape[1] // self.side).flatten(0, 2) for batch in tokens])
        # On a CPU pieces whose hidden layers fit into a core's cache take a fifth less time.
        pieces = rows.split(PIECE) if rows.device.type == "cpu" else [rows]
        logits = torch.cat([self.detector(piece) for piece in pieces]).unflatten(0, (-1, len(self.moments)))
        logits = SHARPNESS * logits.transpose(1, 2).contiguous()
        share = logits.softmax(-1)
        mean, square = (share @ self.moments).split(2, -1)
        spread = (square - mean.square()).sum(-1)
        evidence = logits.logsumexp(-1) - math.log(logits.shape[-1])
        return self.reader(torch.cat([GAIN * mean.flatten(1), GAIN * spread, (evidence / 4).tanh()], -1))
