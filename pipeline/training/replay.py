"""A failed training step computed once more, on the CPU."""

from pathlib import Path
from typing import NamedTuple

from pipeline.base.errors import InputError
from pipeline.model.template import NoSurfaceError
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.device import configure_torch
from pipeline.training.evaluated import Evaluated
from pipeline.training.failed_step import FailedStep, read_failed_step
from pipeline.training.job import CPU, TrainingJob
from pipeline.training.run import TrainingRun


class Replay(NamedTuple):
    """A step, and what it gave."""

    failed: FailedStep
    evaluated: Evaluated | None
    """The numbers of the step; None where the template has no surface."""
    reason: str
    """What is not finite, or what happened to the template; empty if the step is a good one."""


def replay(path: Path) -> Replay:
    """Compute a step and its gradients from the state in which it failed.

    Args:
        path: the file that `write_failed_step` wrote.

    Raises:
        InputError: the file is missing or damaged, or its parts do not fit together.
    """
    failed = read_failed_step(path)
    configure_torch(CPU, failed.params.training)
    try:
        run = TrainingRun(TrainingJob(failed.params, failed.data, failed.seed, CPU))
        run.restore(Checkpoint(failed.step, failed.model, {}, {}, [], None))
        evaluated = run.evaluate(failed.draws)
    except NoSurfaceError as error:
        return Replay(failed, None, str(error))
    except (RuntimeError, ValueError, IndexError) as error:
        raise InputError(
            f"{path}: expected weights, images and parameters that fit together, found others: {error}. Use the file "
            "as the training left it, with the version of the code that wrote it."
        ) from error
    return Replay(failed, evaluated, evaluated.not_finite())
