"""No orientation at all, for variants that learn without one."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from pipeline.config.workspace import Workspace
from pipeline.labels.poses import PoseLabel
from pipeline.photographs.photo import Photo


class UnknownPoses:
    """Zero angles of an object whose azimuth says nothing; a variant that learns from poses refuses them."""

    def poses(self, photos: Sequence[Photo], masks: Sequence[Bool[np.ndarray, "_ _"]]) -> list[PoseLabel]:
        return [PoseLabel(0.0, 0.0, 0.0, 0) for _ in photos]


def make(workspace: Workspace) -> UnknownPoses:
    """The backend, which has no parameters."""
    return UnknownPoses()
