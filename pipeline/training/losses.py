"""Terms of the training objective, as pure functions of renderings and labels.

Terms that compare images return one value for each image: a mean over all its pixels, as in MagicPony.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn import functional

MIN_DEPTH_PIXELS = 64
"""Minimum number of pixels in the common region of an image for its depth term. With fewer, the term is 0."""


def mask_loss(
    alpha: Float[Tensor, "B S S"], mask: Float[Tensor, "B S S"], valid: Float[Tensor, "B S S"]
) -> Float[Tensor, "B"]:
    """Squared silhouette error: mean (alpha valid - mask)^2 (MagicPony)."""
    return (alpha * valid - mask).square().mean((1, 2))


def distance_loss(alpha: Float[Tensor, "B S S"], distance: Float[Tensor, "B S S"]) -> Float[Tensor, "B"]:
    """Uncovered interior of the mask, by the distance d to its border: mean (1 - alpha) max(d, 0) / S (MagicPony).

    Args:
        alpha: rendered silhouette.
        distance: signed distance to the mask's border in pixels, positive inside.
    """
    return ((1 - alpha) * distance.clamp(min=0)).mean((1, 2)) / alpha.shape[-1]


def common_region(covered: Bool[Tensor, "B S S"], mask: Float[Tensor, "B S S"]) -> Bool[Tensor, "B S S"]:
    """Pixels inside both silhouettes, eroded by one pixel (MagicPony)."""
    inside = functional.pad(covered & (mask > 0.5), (1, 1, 1, 1), value=True)
    rows = inside[:, :-2] & inside[:, 1:-1] & inside[:, 2:]
    return rows[..., :-2] & rows[..., 1:-1] & rows[..., 2:]


class RegionPixels(NamedTuple):
    """Pixels of a region as rows, so that pixels outside of it cost neither time nor memory."""

    rows: Int64[Tensor, "R"]
    """Indices of the region's pixels among the B S S pixels of the batch."""
    image: Int64[Tensor, "R"]
    """Index of the image of each pixel, ascending."""
    shape: tuple[int, int, int]
    """Shape (B, S, S) of the batch."""

    def gather(self, images: Float[Tensor, "B S S C"]) -> Float[Tensor, "R C"]:
        return images.flatten(0, 2).index_select(0, self.rows)

    def mean(self, errors: Float[Tensor, "R"]) -> Float[Tensor, "B"]:
        """Mean over all S S pixels of each image. Pixels outside of the region count as zero."""
        images, height, width = self.shape
        return errors.new_zeros(images).index_add(0, self.image, errors) / (height * width)


def region_pixels(region: Bool[Tensor, "B S S"]) -> RegionPixels:
    rows = region.flatten().nonzero()[:, 0]
    images, height, width = region.shape
    return RegionPixels(rows, rows // (height * width), (images, height, width))


def rgb_loss(rgb: Float[Tensor, "R 3"], target: Float[Tensor, "R 3"], pixels: RegionPixels) -> Float[Tensor, "B"]:
    """Absolute colour error inside the region (MagicPony)."""
    return pixels.mean((rgb - target).abs().mean(-1))


def feature_loss(
    features: Float[Tensor, "R K"], target: Float[Tensor, "R K"], pixels: RegionPixels
) -> Float[Tensor, "B"]:
    """Squared error of the rendered feature field inside the region (MagicPony's DINO loss)."""
    return pixels.mean((features - target).square().mean(-1))


def depth_loss(
    disparity: Float[Tensor, "B S S"], target: Float[Tensor, "B S S"], region: Bool[Tensor, "B S S"]
) -> Float[Tensor, "B"]:
    """Scale- and shift-invariant L2 loss in disparity (SEMAGIC Eq. 12), with a non-negative scale.

    The loss is min over s >= 0, t of the mean over the region of (s D + t - D*)^2, with D* standardised inside the
    region. Its closed form is 1 - rho^2 for a correlation rho > 0. For rho <= 0 the best scale is 0, so that the loss
    would be 1 with zero gradient. It is replaced by 1 - rho there, whose gradient corrects an inverted relief. A
    constant prediction gives 1.
    """
    weight = region.flatten(1).float()
    count = weight.sum(1)
    total = count.clamp(min=1)

    def centred(image: Tensor) -> Tensor:
        weighted = image.flatten(1) * weight
        return weighted - (weighted.sum(1) / total)[:, None] * weight

    # 1e-12 is far below the variance of any relief.
    d, t, smallest = centred(disparity), centred(target), 1e-12 * total
    rho = (d * t).sum(1) * ((d.square().sum(1) + smallest) * (t.square().sum(1) + smallest)).rsqrt()
    loss = 1 - rho * torch.where(rho > 0, rho, 1.0)
    return torch.where(count >= MIN_DEPTH_PIXELS, loss, 0.0)


def pose_loss(
    rotation: Float[Tensor, "B 3 3"], target: Float[Tensor, "B 3 3"], fold: Int64[Tensor, "B"]
) -> Float[Tensor, "B"]:
    """Cosine regression of the object's axes in the camera frame (SEMAGIC Eq. 13).

    The loss is 1 - <f, f*> + 1 - <u, u*> with f the forward and u the up axis. With 2 or 4 equivalent fronts f* is the
    nearest of the rotated targets. With fold 0 (no front) only the up axis is compared, which determines elevation and
    in-plane rotation.
    """
    up = (rotation[..., 1] * target[..., 1]).sum(-1)
    x, z = target[..., 0], target[..., 2]
    # Quarter turns about the up axis map the forward axis z to z, x, -z, -x.
    cosines = (rotation[:, None, :, 2] * torch.stack([z, x, -z, -x], 1)).sum(-1)
    # The quarter turns that leave the object unchanged: with fold 1 only the zeroth, with 2 every second, with 4 all.
    different = torch.arange(4, device=fold.device) * fold[:, None] % 4 > 0
    forward = cosines.masked_fill(different, -torch.inf).amax(-1)
    return torch.where(fold > 0, 2 - forward - up, 1 - up)


def eikonal_loss(gradient: Float[Tensor, "P 3"]) -> Float[Tensor, ""]:
    """Eikonal loss: mean (||grad sdf|| - 1)^2 over sampled points."""
    return (gradient.norm(dim=-1) - 1).square().mean()


def surface_size_loss(centre: Float[Tensor, "3"], radius: Float[Tensor, ""], expected: float) -> Float[Tensor, ""]:
    """Penalty that keeps the surface in the middle of the grid: |centre|^2 / expected^2 + (log(radius / expected))^2.

    The logarithm diverges as the surface vanishes, so that it eventually outweighs any term that shrinks the surface.

    Args:
        centre, radius: centre and radius of the surface of the signed distance, which no image constrains
            (`ChangingTemplate`).
        expected: radius of the initial sphere.
    """
    return (centre / expected).square().sum() + (radius / expected).log().square()


def deformation_loss(offsets: Float[Tensor, "B N 3"]) -> Float[Tensor, ""]:
    """Mean squared offset (MagicPony)."""
    return offsets.square().mean()


def feature_consistency_loss(
    canonical: Float[Tensor, "N K"], deformed: Float[Tensor, "B N K"], share: Float[Tensor, "N"] | None = None
) -> Float[Tensor, ""]:
    """Mean over images and vertices of ||g(v_canonical) - g(v_deformed)||^2 (SEMAGIC Eq. 7).

    The canonical features are the target and receive no gradient.

    Args:
        canonical: features g at the canonical vertices.
        deformed: features g at the deformed vertices of each image.
        share: weight of each vertex in the mean, instead of 1 / N.
    """
    errors = (deformed - canonical.detach()).square().sum(-1)
    return errors.mean() if share is None else (errors * share).sum(-1).mean()


def logit_loss(logits: Float[Tensor, "B"], target: Float[Tensor, "B"]) -> Float[Tensor, "B"]:
    """Squared error between the logit of the drawn pose hypothesis and its reconstruction loss (MagicPony)."""
    return (logits - target.detach()).square()
