"""Refining the pose that the head predicts, for any number of images at once."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.config.refinement_params import Refine
from pipeline.model.deformable import DeformableModel
from pipeline.model.pose import PoseEstimate
from pipeline.model.template import Template
from pipeline.model.view import View
from pipeline.photographs.cameras import geodesic_degrees
from pipeline.refinement.energy import Evidence, PoseEnergy
from pipeline.refinement.moves import move, spread_of
from pipeline.refinement.search import Searched, cross_entropy_search

FARTHEST = 8.0
"""Largest squared distance to the head's pose that the prior counts, in spreads: beyond it all poses are as likely."""
ANOTHER_POSE = 30.0
"""Angle in degrees from which on two poses are different readings of an image."""


class Refined(NamedTuple):
    """The best pose of each of B images, and how much better it is than others."""

    pose: PoseEstimate
    energy: Float[Tensor, "B"]
    """Energy of the pose (`PoseEnergy`), without the prior."""
    margin: Float[Tensor, "B"]
    """Energy with prior of the best pose 30 degrees or more away, minus that of `pose`; infinite if none was tried."""


class PoseRefiner:
    """Searches for the pose in which the rendered template explains an image best (render-and-compare).

    What is minimised is the energy plus the prior w min(sum_i (m_i / s_i)^2, 8), with m the change of the head's pose
    and s its spreads. The result depends on the image alone: every call makes the same draws.
    """

    def __init__(self, model: DeformableModel, template: Template, view: View, params: Refine):
        self.energy = PoseEnergy(model, template, view, params)
        self.params = params
        device = template.vertices.device
        turns = [[math.radians(a), math.radians(e)] for a in params.azimuths for e in params.elevations]
        starts = torch.cat([torch.zeros(1, 2), torch.tensor(turns)]).unique(dim=0)
        self._starts = torch.nn.functional.pad(starts, (0, 4)).to(device)
        self._spread = spread_of(params.spread, self._starts)

    @property
    def poses(self) -> int:
        """Number of poses that are tried for an image."""
        return len(self._starts) + min(self.params.kept, len(self._starts)) * self.params.rounds * self.params.samples

    @torch.no_grad()
    def refine(self, vertices: Float[Tensor, "V N 3"], pose: PoseEstimate, evidence: Evidence) -> Refined:
        """Refine one pose for each of B images.

        Args:
            vertices: deformed vertices of the template in the object frame; V is 1 or B.
            pose: the head's poses, round which is searched.
        """
        images, params = len(pose.rotation), self.params

        def cost(moves: Float[Tensor, "B M 6"]) -> Float[Tensor, "B M"]:
            return self.energy(vertices, move(pose, moves), evidence) + self._prior(moves)

        first = params.first_spread * self._spread
        generator = torch.Generator().manual_seed(0)
        searched = cross_entropy_search(cost, self._starts, first, images, params, generator)
        best = searched.values.argmin(1)
        moves = searched.points[torch.arange(images, device=best.device), best]
        value = searched.values.amin(1)
        refined = move(pose, moves[:, None])
        return Refined(refined, value - self._prior(moves), self._margin(pose, refined, searched, value))

    def _prior(self, moves: Float[Tensor, "*B 6"]) -> Float[Tensor, "*B"]:
        return self.params.prior * (moves / self._spread).square().sum(-1).clamp(max=FARTHEST)

    def _margin(
        self, start: PoseEstimate, refined: PoseEstimate, searched: Searched, value: Float[Tensor, "B"]
    ) -> Float[Tensor, "B"]:
        rotations = move(start, searched.points).rotation.unflatten(0, searched.values.shape)
        far = geodesic_degrees(rotations, refined.rotation[:, None]) >= ANOTHER_POSE
        return searched.values.masked_fill(~far, torch.inf).amin(1) - value
