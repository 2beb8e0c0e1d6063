"""The energy of a pose: how badly the mesh, rendered in it, explains what the image shows."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from pipeline.config.refinement_params import Refine
from pipeline.model.deformable import DeformableModel
from pipeline.model.placement import place
from pipeline.model.pose import PoseEstimate
from pipeline.model.template import Template
from pipeline.model.view import View
from pipeline.refinement.coarse_mesh import coarsen

DIRECTIONS = 500
"""Number of directions in which extreme points are looked for."""


class Evidence(NamedTuple):
    """What the crops of B images show, on their grids of T x T patches."""

    features: Float[Tensor, "B T T K"]
    """Principal components of the patch features, scaled to [0, 1]."""
    foreground: Float[Tensor, "B T T"]
    """Probability that a patch shows the object."""
    hollow: Bool[Tensor, "B T T"]
    """Patches that show the background through the object: between the spokes of a wheel, inside a frame."""


class PoseEnergy:
    """The energy of poses of one template's meshes.

    With F_p the features of patch p, q_p the probability that it shows the object, g_p the model's feature field where
    the rendered mesh covers the patch, h_p = 1 for a hollow patch, else 0, and c the cap,

        E = sum_p e_p / (c sum_p q_p),
        e_p = q_p min(|g_p - F_p|^2, c) + (1 - q_p) (1 - h_p) c   where the mesh covers the patch,
        e_p = q_p c                                               where it does not.

    A closed surface has no holes for the background to show through, so that it may cover a hollow patch. E is 0 for a
    mesh that explains every patch, and 1 for a mesh out of sight. The field is evaluated at the template's vertices and
    interpolated on the faces of a coarse mesh. The window is fitted to the template's extreme points.
    """

    @torch.no_grad()
    def __init__(self, model: DeformableModel, template: Template, view: View, params: Refine):
        self.view, self.cap = view, params.cap
        self.mesh = coarsen(template.vertices, template.faces, params.vertices)
        self.outline = extreme_points(template.vertices)
        self.field = model.features(template.vertices[self.mesh.rows])[None]

    @torch.no_grad()
    def __call__(
        self, vertices: Float[Tensor, "V N 3"], poses: PoseEstimate, evidence: Evidence
    ) -> Float[Tensor, "B M"]:
        """Energies of M poses of each of B images.

        Args:
            vertices: deformed vertices of the template in the object frame; V is 1 where all images have one shape,
                else B.
            poses: B * M poses, image after image.
        """
        count, size = evidence.foreground.shape[:2]
        each = len(poses.rotation) // count
        shapes = vertices[:, self.mesh.rows]
        shapes = shapes.repeat_interleave(each, 0) if len(shapes) > 1 else shapes
        clip = place(shapes, self.outline, poses, self.view.camera, self.view.margin).clip
        raster = self.view.rasterizer
        rast = raster.rasterize(clip, self.mesh.faces, (size, size))
        shown = raster.interpolate(self.field, rast, self.mesh.faces).unflatten(0, (count, each))
        covered = (rast[..., 3] > 0).unflatten(0, (count, each))
        foreground = evidence.foreground[:, None]
        error = (shown - evidence.features[:, None]).square_().sum(-1).clamp_(max=self.cap)
        explained = foreground * error + (1 - foreground) * ~evidence.hollow[:, None] * self.cap
        total = torch.where(covered, explained, foreground * self.cap).sum((-1, -2))
        # Where nothing is taken for the object, every pose is as good as any other.
        return total / (self.cap * foreground.sum((-1, -2))).clamp(min=1e-6)


def extreme_points(points: Float[Tensor, "N 3"]) -> Float[Tensor, "E 3"]:
    """The points that lie farthest in some of `DIRECTIONS` directions, which are spread evenly over the sphere.

    Seen from any side, their bounding rectangle is that of all points, to half a per cent of its size.
    """
    number = torch.arange(DIRECTIONS, dtype=torch.float64) + 0.5
    height, turn = 1 - 2 * number / DIRECTIONS, number * math.pi * (1 + math.sqrt(5))
    radius = (1 - height.square()).sqrt()
    directions = torch.stack([radius * turn.cos(), radius * turn.sin(), height], -1).to(points)
    return points[(directions @ points.T).argmax(1).unique()]
