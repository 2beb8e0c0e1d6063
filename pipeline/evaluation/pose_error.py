"""Geodesic errors of predicted orientations, as they are and with the model's front put right.

Rotations R lead from the object frame (y up, z front) to the camera frame. With Y(t) = object_rotation(t, 0, 0), a turn
about the object's up axis, R Y(t) is R with t more of azimuth, whatever its elevation and in-plane rotation.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float

from pipeline.base.errors import InputError
from pipeline.photographs.cameras import geodesic_degrees, object_rotation

FOLDS = (0, 1, 2, 4)
"""Rotational symmetries of an object: so many equal fronts; 0 is none at all."""


class PoseSummary(NamedTuple):
    """Errors over the images of one category."""

    median: float
    """Degrees."""
    mean: float
    """Degrees."""
    within_30: float
    """Share in [0, 1] of errors below 30 degrees: Acc_pi/6 of Tulsiani and Malik, Viewpoints and Keypoints (2015)."""
    within_10: float
    """Share in [0, 1] of errors below 10 degrees."""


class PoseErrors(NamedTuple):
    """Errors of one category before and after the alignment."""

    raw: PoseSummary
    aligned: PoseSummary
    turn: int
    """Degrees that the alignment adds to all predicted azimuths: 0, 90, 180 or 270."""


def image_errors(
    predicted: Float[np.ndarray, "I 3 3"], annotated: Float[np.ndarray, "I 3 3"], fold: int
) -> Float[np.ndarray, "I"]:
    """Error of each image in degrees: the smallest angle to any of the orientations that look the same.

    With `fold` n > 0 these are R Y(360 m / n) for m = 0 ... n - 1. With 0 they are all R Y(t), and the smallest angle
    is the one between the up axes: no rotation that leads one axis to the other has a smaller one, and one has just
    this. Single precision leaves errors near 0 uncertain by some hundredths of a degree.

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
    """Errors of one category, raw and aligned.

    A model that has learned without orientation labels calls any side its front. The alignment grants every model one
    turn of its frame, the same for all images, by 0, 90, 180 or 270 degrees: the one with the lowest median; among
    equal medians that with the lower mean, then the smallest. Turns that the object's symmetry makes equal count as
    the smallest of them, so that folds 0 and 4 leave nothing to choose.

    Args:
        fold: rotational symmetry of the category (docs/conventions.md): 1, 2 or 4 equal fronts, or 0 for none.

    Raises:
        InputError: there is no image, or `fold` is unknown.
    """
    if len(predicted) == 0:
        raise InputError("Pose errors need an image with an annotated viewpoint; found none.")
    turns = range(0, 360 // fold, 90) if fold in (1, 2) else (0,)
    summaries = {turn: _summarise(image_errors(predicted @ _turn(turn), annotated, fold)) for turn in turns}
    # Rounding errors must not tell equal medians apart: arccos makes 1e-6 degrees of them.
    best = min(summaries, key=lambda turn: tuple(np.round(summaries[turn][:2], 4)))
    return PoseErrors(summaries[0], summaries[best], best)


def _turn(degrees: int) -> Float[np.ndarray, "3 3"]:
    """Y(t), exact for multiples of 90 degrees."""
    return object_rotation(degrees, 0, 0).round(12)


def _summarise(errors: Float[np.ndarray, "I"]) -> PoseSummary:
    return PoseSummary(
        float(np.median(errors)), float(errors.mean()), float((errors < 30).mean()), float((errors < 10).mean())
    )
