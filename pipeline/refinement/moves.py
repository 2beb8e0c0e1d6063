"""Changes of a pose, as six numbers in which it can be searched."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.config.refinement_params import Spread
from pipeline.model.pose import PoseEstimate
from pipeline.photographs.cameras import product, roll_rotation, rotation_from_angles


def move(start: PoseEstimate, moves: Float[Tensor, "B M 6"]) -> PoseEstimate:
    """Change the pose of each of B images in M ways: R' = Rz(t) Rx(e) R Y(a), offset' = offset + d, zoom' = zoom e^z.

    Y(a) turns the object about its own up axis, Rx(e) tilts it about the image's horizontal, so that it is seen from
    higher up, and Rz(t) turns it counter-clockwise in the image. Zero changes nothing.

    Args:
        start: the poses of B images.
        moves: azimuth a, elevation e and in-plane rotation t in radians, the shift d in NDC, and the logarithm z of the
            zoom.

    Returns:
        B * M poses, image after image.
    """
    turned = product(start.rotation[:, None], _turn(moves[..., 0]))
    rotation = product(roll_rotation(moves[..., 2]), product(_tilt(moves[..., 1]), turned))
    return PoseEstimate(
        rotation.flatten(0, 1),
        (start.offset[:, None] + moves[..., 3:5]).flatten(0, 1),
        (start.log_zoom[:, None] + moves[..., 5]).flatten(),
    )


def spread_of(spread: Spread, like: Tensor) -> Float[Tensor, "6"]:
    """Standard deviations of the six numbers of a move."""
    angles = (math.radians(angle) for angle in (spread.azimuth, spread.elevation, spread.theta))
    return like.new_tensor([*angles, spread.offset, spread.offset, spread.log_zoom])


def _turn(azimuth: Float[Tensor, "*B"]) -> Float[Tensor, "*B 3 3"]:
    """Y(a) = object_rotation(a, 0, 0): a turn about the object's up axis that adds a to the azimuth; radians."""
    zero = torch.zeros_like(azimuth)
    return rotation_from_angles(torch.stack([azimuth.cos(), azimuth.sin()], -1), zero, zero)


def _tilt(elevation: Float[Tensor, "*B"]) -> Float[Tensor, "*B 3 3"]:
    zero = torch.zeros_like(elevation)
    front = torch.stack([torch.ones_like(elevation), zero], -1)
    return rotation_from_angles(front, elevation, zero)
