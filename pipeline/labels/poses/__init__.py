"""Object orientation. On disk: JSON with the fields of `PoseLabel`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool

from pipeline.base.checksums import checked, is_listed
from pipeline.base.contents import parsing
from pipeline.base.errors import InputError
from pipeline.base.files import write_json
from pipeline.labels.stored import REMEDY
from pipeline.photographs.photo import Photo


class PoseLabel(NamedTuple):
    """Orientation in PASCAL3D+'s angles (degrees), which are Orient Anything V2's."""

    azimuth: float
    """Degrees in [0, 360)."""
    elevation: float
    """Degrees in [-90, 90]."""
    theta: float
    """In-plane rotation in degrees, in [-180, 180)."""
    symmetry: int
    """Number of azimuths that look alike, 360 / symmetry apart: 1, 2 or 4; 0 where the azimuth says nothing."""


@runtime_checkable
class PoseBackend(Protocol):
    """Anything that tells the orientation of an object."""

    def poses(self, photos: Sequence[Photo], masks: Sequence[Bool[np.ndarray, "_ _"]]) -> list[PoseLabel]:
        """Orientation of the object under each mask (pixels of its photograph).

        Raises:
            InputError: one of the images cannot be labelled.
        """
        ...


def turned(azimuth: float, elevation: float, theta: float, symmetry: int) -> PoseLabel:
    """The label of angles in degrees of which azimuth and theta may be whole turns away from their ranges."""
    # A tiny negative angle is rounded to a whole turn, which is none.
    turn, roll = (float(angle % 360.0 % 360.0) for angle in (azimuth, theta + 180.0))
    return PoseLabel(turn, float(elevation), roll - 180.0, symmetry)


def write_pose(path: Path, label: PoseLabel) -> None:
    """Write one label.

    Raises:
        InputError: an angle is not in its range, or no such symmetry exists.
    """
    if problem := _problem(label):
        raise InputError(f"{path.name}: expected {problem}. {REMEDY}")
    write_json(path, label._asdict())


def read_pose(path: Path) -> PoseLabel:
    """Read one label.

    Raises:
        InputError: there is no such label, or it is damaged.
    """
    if not is_listed(path):
        raise InputError(f"{path}: expected a pose label, found none. Run the stage `poses`; its summary lists skips.")
    with parsing(checked(path), "a pose label as JSON"):
        label = PoseLabel(**json.loads(path.read_text(encoding="utf-8")))
        if problem := _problem(label):
            raise ValueError(f"instead of {problem}")
        return label


def _problem(label: PoseLabel) -> str | None:
    """What is expected of a number and is not so, and what it is; None for a label that is right."""
    for name, valid, possible in (
        ("azimuth", 0 <= label.azimuth < 360, "in [0, 360)"),
        ("elevation", -90 <= label.elevation <= 90, "in [-90, 90]"),
        ("theta", -180 <= label.theta < 180, "in [-180, 180)"),
        ("symmetry", label.symmetry in (0, 1, 2, 4), "0, 1, 2 or 4"),
    ):
        if not valid:
            return f"'{name}' {possible}, found {getattr(label, name)}"
    return None
