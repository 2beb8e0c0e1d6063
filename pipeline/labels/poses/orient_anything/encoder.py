"""The patch encoder, a DINOv2 vision transformer with registers (Oquab et al., 2023; Darcet et al., 2023)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pipeline.labels.poses.orient_anything.blocks import Block
from pipeline.labels.poses.orient_anything.size import NetworkSize

EPS = 1e-6


class PatchEncoder(nn.Module):
    """Images (ImageNet-normalised) to normalised patch tokens, row by row."""

    def __init__(self, size: NetworkSize) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, size.dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + size.grid**2, size.dim))
        self.register_tokens = nn.Parameter(torch.zeros(1, size.registers, size.dim))
        # In the checkpoint, though only the encoder's own training used it.
        self.mask_token = nn.Parameter(torch.zeros(1, size.dim))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, size.dim, size.patch, stride=size.patch)})
        self.blocks = nn.ModuleList(
            Block(size.dim, size.heads, size.hidden, EPS, qk_norm=False) for _ in range(size.encoder_depth)
        )
        self.norm = nn.LayerNorm(size.dim, eps=EPS)

    def forward(self, images: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B P D"]:
        count = len(images)
        patches = self.patch_embed["proj"](images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.cls_token.expand(count, -1, -1), patches], 1) + self.pos_embed
        # Registers have no position.
        tokens = torch.cat([tokens[:, :1], self.register_tokens.expand(count, -1, -1), tokens[:, 1:]], 1)
        for block in self.blocks:
            tokens = block(tokens)
        return self.norm(tokens[:, -patches.shape[1] :])
