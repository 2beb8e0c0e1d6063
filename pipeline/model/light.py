"""One directional light for each image (MagicPony)."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional


class LightHead(nn.Module):
    """Global feature to a light: direction from above, ambient in [0, 1] and diffuse in [0.5, 1] strength."""

    def __init__(self, dims: int, width: int):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(dims, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.output = nn.Linear(width, 4)

    def forward(self, code: Float[Tensor, "B dims"]) -> Float[Tensor, "B 5"]:
        """The light of each image: direction l in the camera frame, ambient and diffuse strength."""
        outputs = self.output(self.layers(code))
        x, z = outputs[:, :2].tanh().unbind(-1)
        direction = functional.normalize(torch.stack([x, torch.full_like(x, 0.5), z], -1), dim=-1)
        ambient, diffuse = outputs[:, 2:3].sigmoid(), 0.5 + 0.5 * outputs[:, 3:].sigmoid()
        return torch.cat([direction, ambient, diffuse], -1)


def shade(
    light: Float[Tensor, "B 5"], normals: Float[Tensor, "P 3"], image_of_point: Int64[Tensor, "P"]
) -> Float[Tensor, "P 1"]:
    """Shading of camera-frame unit `normals`, each under its own image's light: ambient + diffuse * max(0, <n, l>)."""
    direction, ambient, diffuse = light.index_select(0, image_of_point).split([3, 1, 1], -1)
    return ambient + diffuse * (normals * direction).sum(-1, keepdim=True).clamp(min=0)
