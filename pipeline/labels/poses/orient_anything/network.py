"""The network of Orient Anything V2: VGGT's aggregator (Wang et al., 2025) and a classifier of angles.

Its state dictionary has the keys and shapes of the released checkpoint, without VGGT's unused heads.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipeline.labels.poses.orient_anything.blocks import Block
from pipeline.labels.poses.orient_anything.encoder import PatchEncoder
from pipeline.labels.poses.orient_anything.rotary import Rotary, grid_rotary
from pipeline.labels.poses.orient_anything.size import NetworkSize
from pipeline.pretrained.pixels import IMAGENET_MEAN, IMAGENET_STD

AZIMUTHS, ELEVATIONS, ROTATIONS = 360, 180, 360
LOGITS = AZIMUTHS + ELEVATIONS + ROTATIONS
"""Logits of each degree of azimuth (from 0), elevation (from -90) and in-plane rotation (from -180), in this order."""
EPS = 1e-5


class OrientNetwork(nn.Module):
    """S views of an object to logits of angles: the first view's pose, and that of each other one relative to it.

    The classifiers hold batch norms: call `eval()` before use.
    """

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        self.size = size
        self.vggt = nn.ModuleDict({"aggregator": Aggregator(size)})
        self.ref_sampler = Classifier(2 * size.dim)
        self.tgt_sampler = Classifier(2 * size.dim)

    def forward(self, views: Float[Tensor, "B S 3 H W"]) -> Float[Tensor, f"B S {LOGITS}"]:
        """Logits of `views`, RGB in [0, 1].

        Raises:
            ValueError: the views have not the network's size.
        """
        side = self.size.image
        if views.shape[1] < 1 or views.shape[3:] != (side, side):
            raise ValueError(f"views must be [B, S >= 1, 3, {side}, {side}]; found {list(views.shape)}. Frame them.")
        features = self.vggt["aggregator"](views)
        others = self.tgt_sampler(features[:, 1:].flatten(0, 1)).unflatten(0, (len(views), views.shape[1] - 1))
        return torch.cat([self.ref_sampler(features[:, :1].flatten(0, 1))[:, None], others], 1)


class Aggregator(nn.Module):
    """Attention within each view and across all views in turn."""

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        self.size = size
        self.patch_embed = PatchEncoder(size)
        # Variant 0 is the first view's, variant 1 that of all others.
        self.camera_token = nn.Parameter(torch.zeros(1, 2, 1, size.dim))
        self.register_token = nn.Parameter(torch.zeros(1, 2, size.registers, size.dim))
        self.frame_blocks = nn.ModuleList(self._block() for _ in range(size.depth))
        self.global_blocks = nn.ModuleList(self._block() for _ in range(size.depth))

    def _block(self) -> Block:
        return Block(self.size.dim, self.size.heads, self.size.hidden, EPS, qk_norm=True)

    def forward(self, views: Float[Tensor, "B S 3 H W"]) -> Float[Tensor, "B S C"]:
        """The camera token of each view after the last frame block and after the last global block, C = 2 dim."""
        batch, count = views.shape[:2]
        mean, std = (views.new_tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
        patches = self.patch_embed(((views - mean) / std).flatten(0, 1))
        variants = [0] + [1] * (count - 1)
        special = torch.cat([self.camera_token, self.register_token], 2)[0, variants]
        tokens = torch.cat([special.repeat(batch, 1, 1), patches], 1)

        within = grid_rotary(self.size.grid, special.shape[1], tokens, self.size.dim // self.size.heads)
        across = Rotary(*(table.repeat(count, 1, 1) for table in within))
        length = tokens.shape[1]
        for frame_block, global_block in zip(self.frame_blocks, self.global_blocks, strict=True):
            framed = frame_block(tokens, within)
            tokens = global_block(framed.reshape(batch, count * length, -1), across).reshape(batch * count, length, -1)
        return torch.cat([framed[:, 0], tokens[:, 0]], -1).unflatten(0, (batch, count))


class Classifier(nn.Module):
    """Features of a view to logits of its angles."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.net1 = nn.Sequential(nn.Linear(features, LOGITS), nn.BatchNorm1d(LOGITS), nn.ReLU())
        self.net2 = nn.Sequential(nn.Linear(LOGITS, LOGITS), nn.BatchNorm1d(LOGITS))

    def forward(self, x: Float[Tensor, "N C"]) -> Float[Tensor, f"N {LOGITS}"]:
        return self.net2(self.net1(x))
