"""Placing a posed mesh before the crop's camera."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.config.model_params import Pose as PoseParams
from pipeline.hardware.transfers import constant
from pipeline.model.pose import PoseEstimate
from pipeline.photographs.cameras import clip_matrix, product, transform


class Placement(NamedTuple):
    """A posed mesh in the crop's camera."""

    clip: Float[Tensor, "B N 4"]
    """Clip coordinates; image row 0 is the top."""
    depth: Float[Tensor, "B N"]
    """Positive camera depth in object units."""


def place(
    vertices: Float[Tensor, "V N 3"],
    template: Float[Tensor, "T 3"],
    pose: PoseEstimate,
    camera: PoseParams,
    margin: float,
) -> Placement:
    """Rotate the mesh, and choose the crop's window so that the template's projection would fill the object's box.

    The crop is centred on the box and `margin` times its longer side, so a mesh p seen in the right pose satisfies
    max extent(p) = 2 / margin in NDC: with c and h the centre and the longer half side of the bounding rectangle of the
    projected template, ndc = exp(log_zoom) (p - c) / (margin h) + offset. The fit (c, h) passes gradients on: were it a
    constant, a template that lacks a wing would shrink instead of growing one. It does not follow the deformation:
    otherwise a vertex that strays would be framed instead of pulled back.

    Args:
        vertices: object-frame positions; V is 1 where all B poses are of one mesh, else B.
        template: object-frame positions of the template's vertices.
        camera: gives the camera's distance and field of view.
    """
    view = constant(clip_matrix(camera.distance, camera.fov), vertices)
    offset = view[:, 3:].expand(len(pose.rotation), -1, -1)
    view = torch.cat([product(view[:, :3], pose.rotation), offset], -1)
    xy, _, depth = transform(template, view).split([2, 1, 1], -1)
    ndc = xy / depth
    low, high = ndc.amin(1), ndc.amax(1)
    centre, half = (low + high) / 2, (high - low).amax(-1) / 2
    zoom = (pose.log_zoom.exp() / (margin * half))[:, None]
    shift = pose.offset - zoom * centre
    # As ndc is clip xy / w, the window's zoom and shift make another matrix of the camera's.
    x_and_y, others = view.split(2, 1)
    crop = torch.cat([zoom[..., None] * x_and_y + shift[..., None] * others[:, 1:], others], 1)
    clip = transform(vertices, crop)
    return Placement(clip, clip[..., 3])
