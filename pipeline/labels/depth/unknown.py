"""No relative depth at all, for variants that learn without it."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from pipeline.config.workspace import Workspace
from pipeline.photographs.photo import Photo


class UnknownDepth:
    """A ramp from the top of the photograph to its bottom; a variant that learns from depth refuses this backend."""

    def disparities(self, photos: Sequence[Photo]) -> list[Float32[np.ndarray, "2 1"]]:
        return [np.array([[0.0], [1.0]], np.float32) for _ in photos]


def make(workspace: Workspace) -> UnknownDepth:
    """The backend, which has no parameters."""
    return UnknownDepth()
