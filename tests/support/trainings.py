"""Trainings that are interrupted, and what comes of them; and trainings of one number, which take no time."""

from pathlib import Path

import torch
from torch import nn

from pipeline.training.checkpoint import Checkpoint
from pipeline.training.evaluated import Evaluated
from pipeline.training.failure import FailedStepError
from pipeline.training.job import TrainingJob
from pipeline.training.objective import Terms
from pipeline.training.run import TrainingRun
from pipeline.training.trainer import TrainingResult, train


class InterruptedTrainingError(Exception):
    """Stands for the end of the process."""


def interrupted(job: TrainingJob, folder: Path, step: int, shared: Path | None = None) -> None:
    """Train until the first row of the loss curve at or after `step`, and no further."""

    def report(row):
        if row["step"] >= step:
            raise InterruptedTrainingError

    try:
        train(job, folder, shared, report=report)
    except InterruptedTrainingError:
        return
    raise AssertionError(f"The training ended before step {step}.")


def assert_same(a: TrainingResult, b: TrainingResult) -> None:
    """Weights, curve and setback are equal to the last bit."""
    assert (a.curve, a.setback, a.machines) == (b.curve, b.setback, b.machines)
    ours, theirs = a.model.state_dict(), b.model.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.items())


class NumberRun(TrainingRun):
    """A training of one number in place of a model: x becomes 0.9 x + s (step + 1), with half of s after a setback."""

    fails: tuple[int, ...] = ()
    """Steps that fail before a setback."""
    at_once = False
    """Whether a step that fails says so by itself, like a template that vanishes, and not when it is asked."""

    def __init__(self, job):
        self.params, self.data, self.seed = job.params, job.data, job.seed
        self.step, self.value, self.curve, self.setback, self.spoiled = 0, 1.0, [], None, -1

    vertices = 12
    machines = ("a machine",)

    def advance(self):
        if self.step in self.fails and not self.setback:
            if self.at_once:
                self.check()
                raise FailedStepError(self.step, "made up", ("a",))
            self.spoiled = self.step if self.spoiled < 0 else self.spoiled
        if self.spoiled < 0:
            self.value = 0.9 * self.value + (0.5 if self.setback else 1.0) * (self.step + 1)
        self.step += 1
        total = torch.tensor(self.value)
        return Evaluated(Terms(*[total] * len(Terms._fields)), total, {})

    def check(self):
        if self.spoiled >= 0:
            self.step, self.spoiled = self.spoiled, -1
            raise FailedStepError(self.step, "made up", ("a",))

    def checkpoint(self):
        value = {"value": torch.tensor([self.value], dtype=torch.float64)}
        return Checkpoint(self.step, value, {}, {}, list(self.curve), self.setback, None, self.machines)

    def restore(self, saved):
        self.step, self.value, self.curve, self.setback, self.spoiled = (
            *(saved.step, float(saved.model["value"]), list(saved.curve), saved.setback, -1),
        )

    def finished(self):
        model = nn.Module()
        model.register_buffer("value", torch.tensor(self.value))
        return model
