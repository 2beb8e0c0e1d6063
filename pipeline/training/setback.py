"""A training's one return to an earlier state, after a step whose numbers were of no use."""

from typing import NamedTuple

SMALLER_STEP = 0.5
"""Factor on all learning rates after a setback.

Half is what step-size control usually tries first; a much smaller step would leave the rest of the training unfinished.
"""


class Setback(NamedTuple):
    """What made a training go back, and to where."""

    step: int
    """The step that failed, counted from 0."""
    back_to: int
    """Number of steps that were kept."""
    reason: str
    """What was not finite, or what happened to the template."""
    images: tuple[str, ...]
    """Names of the images that the step rendered."""
