"""Patch features simulated from the embedded benchmark's truth."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

from pipeline.base.seeding import seeded
from pipeline.config.label_params import SimulatedFeatureParams
from pipeline.config.workspace import Workspace
from pipeline.labels.noise import smooth_field
from pipeline.labels.patches import SAMPLES, patch_means
from pipeline.photographs.crops import Crop, sample_crop
from pipeline.photographs.photo import Photo
from pipeline.photographs.truth import read_truth, truth_path


@dataclass(frozen=True)
class SimulatedFeatures:
    """Tokens like DINOv2's: a smooth code of the semantic surface point that cannot tell left from right.

    A surface point with the semantic coordinate (x, y, z) has the code c = A cos(W s + b) with s = (|x|, y, z): random
    Fourier features (Rahimi, Recht 2007), spread over the channels by orthonormal columns A times sqrt(dims /
    code_dims), so that the code has fewer dimensions than the token, as DINOv2's do. A, W and b are the same for all
    images of a category. With m the share of a patch that the object covers, a token is
        mean over the object's part of (c + instance_noise e) m + (1 - m) g + smooth_noise n + white_noise w
    where e is one standard normal vector for each image, g the background, n and w noise for each patch; g and n are
    Gaussian fields with correlation lengths in patches, g of the code's variance 1/2, n and w of variance 1.
    Mirroring the crop mirrors the token map exactly.
    """

    params: SimulatedFeatureParams
    grid: int
    seed: int

    def token_maps(
        self, photos: Sequence[Photo], crops: Sequence[Crop], flip: bool
    ) -> list[Float32[np.ndarray, "T T D"]]:
        return [self.tokens(photo, crop, flip) for photo, crop in zip(photos, crops, strict=True)]

    def tokens(self, photo: Photo, crop: Crop, flip: bool) -> Float32[np.ndarray, "T T D"]:
        instance, params, grid = photo.instance, self.params, self.grid
        truth = read_truth(truth_path(photo.path))
        rng = seeded(self.seed, "features", instance.key)
        shift = params.instance_noise * rng.standard_normal(params.dims)
        background = math.sqrt(0.5) * smooth_field(rng, params.dims, grid, grid, params.background_length)
        smooth = params.smooth_noise * smooth_field(rng, params.dims, grid, grid, params.smooth_length)
        white = params.white_noise * rng.standard_normal((grid, grid, params.dims))

        size = grid * SAMPLES
        mask = sample_crop(truth.mask.astype(np.float32), crop, size, smooth=False) > 0.5
        surface = sample_crop(truth.surface.astype(np.float32), crop, size, smooth=False)
        code = np.zeros((size, size, params.dims))
        code[mask] = self._code(surface[mask], instance.category) + shift
        uncovered = 1 - patch_means(mask.astype(np.float64), grid)[..., None]
        tokens = patch_means(code, grid) + uncovered * background.transpose(1, 2, 0)
        tokens = (tokens + smooth.transpose(1, 2, 0) + white).astype(np.float32)
        return tokens[:, ::-1].copy() if flip else tokens

    def _code(self, surface: Float[np.ndarray, "N 3"], category: str) -> Float[np.ndarray, "N D"]:
        """A cos(W s + b); the root mean square frequency along W's rows is `frequency` cycles for each CAD unit."""
        dims, components = self.params.dims, self.params.code_dims
        rng = seeded(self.seed, "feature code", category)
        weights = rng.standard_normal((components, 3)) * (2 * math.pi * self.params.frequency / math.sqrt(3))
        phases = rng.uniform(0, 2 * math.pi, components)
        mixture = np.linalg.qr(rng.standard_normal((dims, components))).Q * math.sqrt(dims / components)
        semantic = np.concatenate([np.abs(surface[:, :1]), surface[:, 1:]], axis=1)
        return np.cos(semantic @ weights.T + phases) @ mixture.T


def make(workspace: Workspace) -> SimulatedFeatures:
    """The error model of `features.simulated`, drawn with `simulation.seed`."""
    features = workspace.params.features
    return SimulatedFeatures(features.simulated, features.grid, workspace.params.simulation.seed)
