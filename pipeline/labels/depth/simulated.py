"""Relative depth simulated from the embedded benchmark's truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from pipeline.base.errors import InputError
from pipeline.base.seeding import seeded
from pipeline.config.label_params import SimulatedDepthParams
from pipeline.config.workspace import Workspace
from pipeline.labels.noise import smooth_field
from pipeline.photographs.photo import Photo
from pipeline.photographs.truth import read_truth, truth_path


@dataclass(frozen=True)
class SimulatedDepth:
    """Disparity up to scale and shift, like Depth Anything V2's, with smooth and white noise.

    label = a (1 / z + sigma (smooth_noise n + white_noise w)) + b: z is the true camera depth, sigma the standard
    deviation of 1 / z on the object, n a Gaussian field of unit variance with the correlation length smooth_length,
    w white noise. log a ~ N(0, scale_std^2) and b ~ a sigma N(0, shift_std^2), drawn for each image.
    """

    params: SimulatedDepthParams
    seed: int

    def disparities(self, photos: Sequence[Photo]) -> list[Float32[np.ndarray, "H W"]]:
        return [self.disparity(photo) for photo in photos]

    def disparity(self, photo: Photo) -> Float32[np.ndarray, "H W"]:
        instance = photo.instance
        path = truth_path(photo.path)
        truth = read_truth(path)
        inverse = 1 / truth.depth.astype(np.float64)
        sigma = inverse[truth.mask].std() if truth.mask.any() else 0.0
        if sigma == 0:
            raise InputError(f"{path}: the object covers no pixels, or has no relief; there is no depth to simulate.")
        rng = seeded(self.seed, "depth", instance.key)
        scale = np.exp(self.params.scale_std * rng.standard_normal())
        shift = scale * sigma * self.params.shift_std * rng.standard_normal()
        height, width = inverse.shape
        smooth = smooth_field(rng, 1, height, width, self.params.smooth_length)[0]
        white = rng.standard_normal(inverse.shape)
        noise = sigma * (self.params.smooth_noise * smooth + self.params.white_noise * white)
        return (scale * (inverse + noise) + shift).astype(np.float32)


def make(workspace: Workspace) -> SimulatedDepth:
    """The error model of `depth.simulated`, drawn with `simulation.seed`."""
    return SimulatedDepth(workspace.params.depth.simulated, workspace.params.simulation.seed)
