"""What parameters of different sections must have in common, beyond the range of each.

Each function returns what is wrong, which keys it is about, and what to change; None where nothing is.
"""

from pathlib import PurePosixPath

from pipeline.config.categories import RELEASES
from pipeline.config.data_params import Data, Simulation
from pipeline.config.label_params import Features
from pipeline.config.model_params import Model
from pipeline.config.training_params import Training

IMAGE_NUMBERS = 10_000
"""Numbers that the names of a category's generated evaluation images have."""
FARTHEST_POINT = 0.56
"""Distance of the farthest point of a body-centred cubic lattice from its vertices [cells]: sqrt(5) / 4."""


def generation_problem(data: Data, simulation: Simulation) -> str | None:
    """The generator writes two folders that are read, and numbers images with four digits."""
    if not data.generate:
        return None
    if data.reader != RELEASES:
        return (
            f"data.generate writes releases, which the reader '{data.reader}' does not read. Set data.generate to []."
        )
    one, other = PurePosixPath(data.pascal3d), PurePosixPath(data.spair)
    if not data.pascal3d or one.is_relative_to(other) or other.is_relative_to(one):
        return (
            "data.generate writes both releases, so that data.pascal3d and data.spair must be two folders beside each "
            f"other; found '{data.pascal3d}' and '{data.spair}'. Give them other paths."
        )
    images = simulation.trn_images + simulation.val_images + simulation.test_images
    if images > IMAGE_NUMBERS:
        return (
            f"simulation.trn_images, val_images and test_images must be {IMAGE_NUMBERS} or less together; "
            f"found {images}. Lower one of them."
        )
    return None


def splits_problem(data: Data) -> str | None:
    """Confidence is not judged on what it was learned from."""
    if data.calibration_split != data.evaluation_split:
        return None
    return (
        "data.calibration_split must be another split than data.evaluation_split, so that probabilities of matches are "
        f"not judged by the pairs that they were fitted to; found '{data.calibration_split}' for both. Change one."
    )


def encoder_problem(model: Model, features: Features) -> str | None:
    """The pose head averages whole squares of tokens."""
    pool, grid = model.pose.pool, features.grid
    return f"model.pose.pool must divide features.grid, which is {grid}; found {pool}." if grid % pool else None


def template_problem(model: Model, training: Training) -> str | None:
    """The grid holds the initial sphere, however it is jittered, and resolves it; it lies before the camera."""
    grid, radius, distance = model.grid, model.sdf.radius, model.pose.distance
    low, high = FARTHEST_POINT * grid.scale / grid.resolution, (0.5 - training.jitter) * grid.scale
    if not low < radius < high:
        return (
            f"model.sdf.radius must be above {low:.3g} and below {high:.3g}, so that a grid of model.grid.resolution "
            f"{grid.resolution} and model.grid.scale {grid.scale:g} resolves the initial sphere, and holds it where "
            f"training.jitter moves it; found {radius:g}."
        )
    if distance <= grid.scale:
        return (
            f"model.pose.distance must be above model.grid.scale, which is {grid.scale:g}, so that the object lies "
            f"before the camera; found {distance:g}."
        )
    return None
