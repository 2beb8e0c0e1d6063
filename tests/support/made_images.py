"""Prepared images of a flat template that each shows through a shear of its own, for the tests of confidence."""

import numpy as np
import torch

from pipeline.matching.images import EvaluatedImage, describe_image
from pipeline.photographs.crops import Crop
from pipeline.prediction.projection import Projection
from support.scored_world import canonical, features, seen, vertices

SIZE = 100.0
"""Side of the crops in pixels, and of the photographs."""


def make_image(shear: float, wrong: bool = False, noise: float = 0.3, seed: int = 0) -> EvaluatedImage:
    """An image with noisy features; a wrong one has its mesh upside down. Half of the vertices are visible."""
    rng = np.random.default_rng(seed)
    centres = (np.arange(16) + 0.5) / 16
    tokens = features(canonical(np.stack(np.meshgrid(centres, centres), -1), shear))
    tokens += noise * rng.normal(size=tokens.shape).astype(np.float32)
    points = seen(vertices(), shear)
    visible = torch.from_numpy(rng.random(len(points)) < 0.5)
    mesh = Projection(torch.from_numpy(1 - points if wrong else points), visible, torch.eye(3))
    score = torch.tensor([0.8, 0.01] if wrong else [0.5, 0.1]) + 0.05 * torch.from_numpy(rng.normal(size=2)).float()
    image = describe_image(Crop(0.0, 0.0, SIZE), int(SIZE), int(SIZE), tokens, 32)
    return image._replace(
        components=image.tokens.double(),
        projection=mesh,
        pose_score=score,
        vertex_features=torch.from_numpy(features(vertices())).double(),
        vertex_positions=torch.from_numpy(np.pad(vertices(), ((0, 0), (0, 1)))),
    )
