"""Object orientation. On disk: JSON with the fields of `PoseLabel`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool

from pipeline.base.errors import InputError
from pipeline.base.files import write_json
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


def write_pose(path: Path, label: PoseLabel) -> None:
    """Write one label."""
    write_json(path, label._asdict())


def read_pose(path: Path) -> PoseLabel:
    """Read one label.

    Raises:
        InputError: there is no such label.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected a pose label, found none. Run the stage `poses`; its summary lists skips.")
    return PoseLabel(**json.loads(path.read_text(encoding="utf-8")))
