"""Steps whose numbers are of no use."""

from pipeline.base.errors import InputError


class TrainingError(InputError):
    """Training cannot go on; the message names what went wrong, the images and the step."""


class FailedStepError(Exception):
    """A step whose numbers are of no use. The training is before this step again, with the weights of then.

    Attributes:
        step: the step, counted from 0.
        reason: what was not finite, or what happened to the template.
        images: names of the images that the step rendered.
    """

    def __init__(self, step: int, reason: str, images: tuple[str, ...]) -> None:
        super().__init__(f"Step {step}: {reason}, on the images {', '.join(images)}.")
        self.step, self.reason, self.images = step, reason, images
