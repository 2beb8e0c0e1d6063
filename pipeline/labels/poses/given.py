"""Orientations that come with photographs of one's own: the angles in photographs.csv."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from pipeline.base.errors import InputError
from pipeline.config.workspace import Workspace
from pipeline.data.photographs_csv import Row
from pipeline.labels.given import GivenTable, read_given
from pipeline.labels.poses import PoseLabel, turned
from pipeline.photographs.photo import Photo
from pipeline.photographs.records import Instance


@dataclass(frozen=True)
class GivenPoses:
    """The columns `azimuth`, `elevation`, `theta` and `symmetry`."""

    table: GivenTable

    def poses(self, photos: Sequence[Photo], masks: Sequence[Bool[np.ndarray, "_ _"]]) -> list[PoseLabel]:
        return [pose_label(self.table.row(photo.instance)) for photo in photos]

    def files(self, instance: Instance) -> list[Path]:
        return [self.table.path]


def pose_label(row: Row) -> PoseLabel:
    """The orientation in one line.

    Raises:
        InputError: the line has no angles.
    """
    if row.angles is None:
        raise InputError(
            f"{row.where}, column 'azimuth': expected degrees, found nothing. Fill in azimuth, elevation and theta, or "
            "choose another poses.backend in params.yaml."
        )
    return turned(*row.angles, row.symmetry)


def make(workspace: Workspace) -> GivenPoses:
    """The orientations of the photographs.csv of `data.folder`.

    Raises:
        InputError: the table is missing or malformed.
    """
    return GivenPoses(read_given(workspace))
