"""Cameras and coordinate frames; `docs/conventions.md` shows them in a diagram.

CAD frame (PASCAL3D+): z up, front -y, x completes a right-handed frame (front x up = -x).
Object frame (ours, as in MagicPony): z front, y up, x as in the CAD frame.
Camera frame (OpenGL): x right, y up, z towards the viewer; the camera looks along -z.
Angles follow PASCAL3D+, which Orient Anything V2 shares: azimuth 0 is the frontal view, positive elevation is a
camera above the object, positive theta turns the object counter-clockwise in the image.
"""

import math
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.photographs.records import Viewpoint

OBJECT_TO_CAD = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Maps object-frame points to the CAD frame: (x, y, z) -> (x, -z, y)."""
POLE = 1e-9
"""Cosine of the elevation below which azimuth and theta turn about the same axis."""

Depth = TypeVar("Depth", float, np.ndarray, Tensor)
"""Single depths, or arrays of them."""


def viewpoint_rotation(azimuth: float, elevation: float, theta: float) -> Float[np.ndarray, "3 3"]:
    """Rotation from the CAD frame to the camera frame; angles in degrees.

    R = Rz(theta) Rx(-(pi/2 - elevation)) Rz(-azimuth)   (PASCAL3D+ `project_3d`)
    """
    a, e, t = np.deg2rad([azimuth, elevation, theta])
    return _rz(t) @ _rx(-(np.pi / 2 - e)) @ _rz(-a)


def object_rotation(azimuth: float, elevation: float, theta: float) -> Float[np.ndarray, "3 3"]:
    """Rotation from the object frame to the camera frame; angles in degrees."""
    return viewpoint_rotation(azimuth, elevation, theta) @ OBJECT_TO_CAD


def object_angles(rotation: Float[np.ndarray, "3 3"]) -> tuple[float, float, float]:
    """Azimuth in [0, 360), elevation in [-90, 90] and theta in (-180, 180], in degrees, of an object's rotation.

    The inverse of `object_rotation`: the third row of R is (cos e sin a, sin e, cos e cos a), and the object's up axis
    falls on (-sin theta cos e, cos theta cos e). From right above or below, where only azimuth and theta together are
    determined, theta is 0.
    """
    elevation = np.arcsin(np.clip(rotation[2, 1], -1.0, 1.0))
    if np.hypot(rotation[2, 0], rotation[2, 2]) < POLE:
        azimuth, theta = np.arctan2(-np.sign(rotation[2, 1]) * rotation[1, 0], rotation[0, 0]), 0.0
    else:
        azimuth = np.arctan2(rotation[2, 0], rotation[2, 2])
        theta = np.arctan2(-rotation[0, 1], rotation[1, 1])
    return float(np.degrees(azimuth) % 360.0), float(np.degrees(elevation)), float(np.degrees(theta))


def project_cad(points: Float[np.ndarray, "N 3"], view: Viewpoint) -> Float[np.ndarray, "N 3"]:
    """Project CAD points as PASCAL3D+ does: columns are pixel x, pixel y (y down) and depth in CAD units.

    The camera centre is C = distance (cos e sin a, -cos e cos a, sin e), and for a camera-frame point (X, Y, Z)
    x = px + f X / -Z,  y = py - f Y / -Z,  depth = -Z,  f = viewport * focal.
    """
    camera = points @ viewpoint_rotation(view.azimuth, view.elevation, view.theta).T
    depth = view.distance - camera[:, 2]
    focal = view.viewport * view.focal
    return np.stack([view.px + focal * camera[:, 0] / depth, view.py - focal * camera[:, 1] / depth, depth], axis=-1)


def rotation_from_angles(
    azimuth: Float[Tensor, "*B 2"], elevation: Float[Tensor, "*B"], theta: Float[Tensor, "*B"]
) -> Float[Tensor, "*B 3 3"]:
    """Differentiable `object_rotation`; `azimuth` holds unit vectors (cos a, sin a), the other angles are radians.

    The columns are the object's axes in the camera frame: for theta = 0
    right = (cos a, -sin e sin a, cos e sin a), up = (0, cos e, sin e), forward = (-sin a, -sin e cos a, cos e cos a).
    """
    cos_a, sin_a = azimuth.unbind(-1)
    cos_e, sin_e = elevation.cos(), elevation.sin()
    zero = torch.zeros_like(cos_a)
    view = torch.stack(
        [
            torch.stack([cos_a, zero, -sin_a], -1),
            torch.stack([-sin_e * sin_a, cos_e, -sin_e * cos_a], -1),
            torch.stack([cos_e * sin_a, sin_e, cos_e * cos_a], -1),
        ],
        -2,
    )
    return product(roll_rotation(theta), view)


def roll_rotation(theta: Float[Tensor, "*B"]) -> Float[Tensor, "*B 3 3"]:
    """Rz(theta), a turn about the viewing direction, counter-clockwise in the image; radians."""
    cos, sin, zero, one = theta.cos(), theta.sin(), torch.zeros_like(theta), torch.ones_like(theta)
    return torch.stack(
        [torch.stack([cos, -sin, zero], -1), torch.stack([sin, cos, zero], -1), torch.stack([zero, zero, one], -1)], -2
    )


def product(a: Float[Tensor, "*#B N K"], b: Float[Tensor, "*#B K M"]) -> Float[Tensor, "*B N M"]:
    """a @ b in full precision; on a GPU `training.matmul` may allow products of matrices to be rounded."""
    return a @ b if a.device.type == "cpu" else (a[..., None] * b[..., None, :, :]).sum(-2)


def rotate(points: Float[Tensor, "*#B N 3"], rotation: Float[Tensor, "B 3 3"]) -> Float[Tensor, "B N 3"]:
    """R p for each point."""
    return product(points, rotation.mT)


def transform(points: Float[Tensor, "*#B N 3"], matrix: Float[Tensor, "*#B C 4"]) -> Float[Tensor, "*B N C"]:
    """M (p, 1) for each point."""
    return product(points, matrix[..., :3].mT) + matrix[..., None, :, 3]


def geodesic_degrees(a: Float[Tensor, "*#B 3 3"], b: Float[Tensor, "*#B 3 3"]) -> Float[Tensor, "*B"]:
    """Angle between rotations in degrees: arccos((tr(A^T B) - 1) / 2)."""
    cosine = ((a * b).sum((-1, -2)) - 1) / 2
    return torch.rad2deg(torch.arccos(cosine.clamp(-1, 1)))


def clip_depth(depth: Depth, near: Depth | float, far: Depth | float) -> Depth:
    """Clip z of points whose clip w is their camera depth d: z = (d (far + near) - 2 far near) / (far - near).

    z / w is -1 on the near plane and 1 on the far plane.
    """
    return (depth * (far + near) - 2 * far * near) / (far - near)


def clip_matrix(distance: float, fov_degrees: float) -> tuple[tuple[float, ...], ...]:
    """The matrix M, 4 rows of 4: M (p, 1) are the clip coordinates of a camera-frame point p, image row 0 at the TOP.

    Points are relative to the nominal object position: the camera stands at (0, 0, distance). The clip y axis points
    down, so that the rasterizer's row 0 (y = -1) is the top row of the image. Near and far planes lie at 0.5 and 1.5
    distances.
    """
    focal = 1 / math.tan(math.radians(fov_degrees) / 2)
    # Clip z is affine in the depth, so that its values at the camera and at the object give its row.
    at_camera, at_object = (clip_depth(depth, 0.5 * distance, 1.5 * distance) for depth in (0.0, distance))
    return (
        (focal, 0.0, 0.0, 0.0),
        (0.0, -focal, 0.0, 0.0),
        (0.0, 0.0, (at_camera - at_object) / distance, at_object),
        (0.0, 0.0, -1.0, distance),
    )


def clip_to_crop(clip: Float[Tensor, "B V 4"]) -> Float[Tensor, "B V 2"]:
    """Crop coordinates (u right, v down, in [0, 1]) of clip-space points in the frame of `clip_matrix`."""
    return (clip[..., :2] / clip[..., 3:] + 1) / 2


def _rz(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _rx(angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
