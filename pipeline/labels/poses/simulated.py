"""Orientation simulated from the embedded benchmark's truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from pipeline.base.seeding import seeded
from pipeline.config.label_params import SimulatedPoseParams
from pipeline.config.workspace import Workspace
from pipeline.labels.poses import PoseLabel, turned
from pipeline.photographs.photo import Photo
from pipeline.photographs.truth import read_truth, truth_path


@dataclass(frozen=True)
class SimulatedPoses:
    """The true angles with Gaussian noise, front/back flips and the ambiguity of symmetric objects.

    azimuth + N(0, azimuth_std^2), and 180 degrees more with the probability flip_share; an object of n-fold symmetry
    shows one of its n equivalent azimuths at random, one of no preferred direction (0) any azimuth.
    """

    params: SimulatedPoseParams
    seed: int

    def poses(self, photos: Sequence[Photo], masks: Sequence[Bool[np.ndarray, "_ _"]]) -> list[PoseLabel]:
        return [self.pose(photo) for photo in photos]

    def pose(self, photo: Photo) -> PoseLabel:
        instance = photo.instance
        truth = read_truth(truth_path(photo.path))
        rng = seeded(self.seed, "pose", instance.key)
        azimuth_noise, elevation_noise, theta_noise = rng.standard_normal(3)
        flip, share = rng.random(2)
        azimuth, elevation, theta = (float(angle) for angle in truth.pose[:3])
        azimuth += self.params.azimuth_std * azimuth_noise + 180.0 * (flip < self.params.flip_share)
        azimuth += 360.0 * (share if truth.fold == 0 else np.floor(share * truth.fold) / truth.fold)
        elevation = float(np.clip(elevation + self.params.elevation_std * elevation_noise, -90.0, 90.0))
        return turned(azimuth, elevation, theta + self.params.theta_std * theta_noise, truth.fold)


def make(workspace: Workspace) -> SimulatedPoses:
    """The error model of `poses.simulated`, drawn with `simulation.seed`."""
    return SimulatedPoses(workspace.params.poses.simulated, workspace.params.simulation.seed)
