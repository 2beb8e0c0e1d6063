"""Geodesic errors of predicted orientations, without and with an alignment of the model's front.

Rotations R map the object frame (y up, z front) to the camera frame. Y(t) = object_rotation(t, 0, 0) is a rotation
about the object's up axis. R Y(t) has an azimuth larger by t than R, and the same elevation and in-plane rotation.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from pipeline.base.errors import InputError
from pipeline.photographs.cameras import geodesic_degrees, object_rotation

FOLDS = (0, 1, 2, 4)
"""Valid rotational symmetries of an object, as the number of equivalent fronts; 0 stands for no front at all."""


class PoseSummary(NamedTuple):
    """Summary of the pose errors over the images of one category."""

    median: float
    """Median error in degrees."""
    mean: float
    """Mean error in degrees."""
    within_30: float
    """Share in [0, 1] of errors below 30 degrees: Acc_pi/6 of Tulsiani and Malik, Viewpoints and Keypoints (2015)."""


class PoseErrors(NamedTuple):
    """Pose errors of one category before and after the alignment of the front."""

    raw: PoseSummary
    aligned: PoseSummary
    turn: int
    """Angle in degrees that the alignment adds to all predicted azimuths: 0, 90, 180 or 270."""


def image_errors(
    predicted: Float[np.ndarray, "I 3 3"], annotated: Float[np.ndarray, "I 3 3"], fold: int
) -> Float[np.ndarray, "I"]:
    """Error of each image in degrees: the smallest geodesic angle over all equivalent orientations.

    With `fold` n > 0 the equivalent orientations are R Y(360 m / n) for m = 0 ... n - 1. With `fold` 0 they are R Y(t)
    for all t, and the smallest angle is the one between the up axes: a rotation that maps one axis to the other has at
    least this angle, and one of them attains it. Single precision limits errors near 0 to some hundredths of a degree.

    Raises:
        InputError: `fold` is not one of `FOLDS`.
    """
    if fold not in FOLDS:
        raise InputError(f"The rotational symmetry fold has to be one of {FOLDS}; found {fold}.")
    predicted, annotated = predicted.astype(np.float64), annotated.astype(np.float64)
    if fold == 0:
        cosine = (predicted[:, :, 1] * annotated[:, :, 1]).sum(-1)
        return np.rad2deg(np.arccos(cosine.clip(-1, 1)))
    target = torch.from_numpy(annotated)
    equal = [torch.from_numpy(predicted @ _turn(360 * m // fold)) for m in range(fold)]
    return torch.stack([geodesic_degrees(rotation, target) for rotation in equal]).amin(0).numpy()


def pose_errors(predicted: Float[np.ndarray, "I 3 3"], annotated: Float[np.ndarray, "I 3 3"], fold: int) -> PoseErrors:
    """Pose errors of one category, raw and aligned.

    The front of a model that was trained without orientation labels is arbitrary. The alignment therefore rotates the
    frame of the model by 0, 90, 180 or 270 degrees about the up axis, by the same angle for all images. It chooses the
    angle with the lowest median error, then the lowest mean, then the smallest angle. Of angles that are equivalent
    under the object's symmetry only the smallest is tried, so that folds 0 and 4 allow no alignment.

    Args:
        fold: rotational symmetry of the category (docs/conventions.md): 1, 2 or 4 equivalent fronts, or 0 for no front.

    Raises:
        InputError: there is no image, or `fold` is unknown.
    """
    if len(predicted) == 0:
        raise InputError("Pose errors need an image with an annotated viewpoint; found none.")
    turns = range(0, 360 // fold, 90) if fold in (1, 2) else (0,)
    summaries = {turn: _summarise(image_errors(predicted @ _turn(turn), annotated, fold)) for turn in turns}
    # Equal medians must not be distinguished by rounding errors, which arccos amplifies to 1e-6 degrees.
    best = min(summaries, key=lambda turn: tuple(np.round(summaries[turn][:2], 4)))
    return PoseErrors(summaries[0], summaries[best], best)


def _turn(degrees: int) -> Float[np.ndarray, "3 3"]:
    """Rotation Y(t) about the up axis, exact for multiples of 90 degrees."""
    return object_rotation(degrees, 0, 0).round(12)


def _summarise(errors: Float[np.ndarray, "I"]) -> PoseSummary:
    return PoseSummary(float(np.median(errors)), float(errors.mean()), float((errors < 30).mean()))
