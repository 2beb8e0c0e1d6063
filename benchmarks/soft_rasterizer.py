"""Soft rasterizer in plain PyTorch (Liu et al., Soft Rasterizer, 2019), in which every face contributes to every pixel.

The coverage of pixel i by face j is D_ij = sigmoid(delta d^2 / sigma), where d is their distance in normalised device
coordinates and delta is 1 inside the face and -1 outside. The weights of a pixel are proportional to
D_ij exp(z_ij / gamma) for a face and to exp(epsilon / gamma) for the background, and sum to 1. The value of the pixel
is sum_j w_ij C_ij, and its silhouette is 1 - prod_j (1 - D_ij). The attribute C_ij is interpolated with barycentric
weights that are clipped to the face.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

SIGMA, GAMMA, EPSILON = 1e-5, 1e-4, 1e-3
"""Softness of the face borders (squared device coordinates), softness of the depth order, depth of the background."""


def soft_render(
    pos: Float[Tensor, "B V 4"], tri: Int[Tensor, "F 3"], attributes: Float[Tensor, "B V C"], size: int
) -> Float[Tensor, "B S S C+1"]:
    """Render the attributes and, in the last channel, the silhouette.

    Images are rendered one by one, because each needs S S F intermediate values.
    """
    faces = tri.long()
    corners = [(points[..., :2] / points[..., 3:], points[..., 2] / points[..., 3]) for points in pos[:, faces]]
    values = [attribute[faces] for attribute in attributes]
    images = [_image(xy, z, value, size) for (xy, z), value in zip(corners, values, strict=True)]
    return torch.stack(images)


def _image(
    corners: Float[Tensor, "F 3 2"], depth: Float[Tensor, "F 3"], values: Float[Tensor, "F 3 C"], size: int
) -> Float[Tensor, "S S C+1"]:
    centres = (2 * torch.arange(size, device=corners.device) + 1) / size - 1
    pixels = torch.stack(torch.meshgrid(centres, centres, indexing="xy"), -1).reshape(-1, 1, 2)
    weights = _barycentric(pixels, corners)
    inside = (weights > 0).all(-1)
    square = _squared_distance(pixels, corners)
    score = torch.where(inside, square, -square) / SIGMA
    weights = weights.clamp(min=0)
    weights = weights / weights.sum(-1, keepdim=True)
    # The nearness is 1 at the near plane and 0 at the far plane.
    nearness = (1 - (weights * depth).sum(-1)) / 2
    logits = functional.logsigmoid(score) + nearness / GAMMA
    background = logits.new_full((len(logits), 1), EPSILON / GAMMA)
    shares = torch.cat([logits, background], 1).softmax(1)[:, :-1]
    colours = (shares[..., None] * weights).flatten(1) @ values.flatten(0, 1)
    silhouette = 1 - functional.logsigmoid(-score).sum(1, keepdim=True).exp()
    return torch.cat([colours, silhouette], 1).unflatten(0, (size, size))


def _barycentric(pixels: Float[Tensor, "P 1 2"], corners: Float[Tensor, "F 3 2"]) -> Float[Tensor, "P F 3"]:
    """Barycentric weights of the corners in screen space, negative outside of the face."""
    a, b, c = corners.unbind(1)
    area = _cross(b - a, c - a)
    area = torch.where(area.abs() < 1e-9, 1e-9, area)
    return (
        torch.stack([_cross(end - start, pixels - start) for start, end in ((b, c), (c, a), (a, b))], -1)
        / area[:, None]
    )


def _squared_distance(pixels: Float[Tensor, "P 1 2"], corners: Float[Tensor, "F 3 2"]) -> Float[Tensor, "P F"]:
    """Squared distance of each pixel to the nearest point of each face's border."""
    sides = corners.roll(-1, 1) - corners
    squares = []
    for start, side in zip(corners.unbind(1), sides.unbind(1), strict=True):
        offset = pixels - start
        along = (offset * side).sum(-1) / side.square().sum(-1).clamp(min=1e-12)
        squares.append((offset - along.clamp(0, 1)[..., None] * side).square().sum(-1))
    return torch.stack(squares).amin(0)


def _cross(p: Float[Tensor, "*N 2"], q: Float[Tensor, "*N 2"]) -> Float[Tensor, "*N"]:
    return p[..., 0] * q[..., 1] - p[..., 1] * q[..., 0]
