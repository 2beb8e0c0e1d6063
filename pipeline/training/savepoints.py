"""The states that a training can go back to: after a kill, after damage, and after a step that failed."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from pipeline.training.checkpoint import Checkpoint, pack, unpack
from pipeline.training.checkpoint_files import CheckpointFiles, Found
from pipeline.training.failed_step import describe_step, write_failed_step
from pipeline.training.failure import FailedStepError, TrainingError
from pipeline.training.job import TrainingJob
from pipeline.training.run import TrainingRun
from pipeline.training.schedule import deform_step
from pipeline.training.setback import SMALLER_STEP, Setback

FAILED_STEP = "failed_step.safetensors"
"""File, in the folder of a training's checkpoints, of the step that ended it."""


class Savepoints:
    """Savepoints of one training: its beginning, the end of its first phase, and each multiple of `checkpoint_every`.

    They depend on the parameters alone. A training therefore goes back to the same state whether or not it was
    interrupted, and whether it computed its first phase or took it over. The last one is kept in memory.

    Args:
        folder: for the checkpoints of this training.
        shared: for the states at the end of the first phase, which other trainings take over. None keeps none.
    """

    def __init__(self, job: TrainingJob, folder: Path, shared: Path | None):
        self._job, self._settings = job, job.params.training
        self._own = CheckpointFiles(folder, job.identity())
        common = job.first_phase_identity()
        self._first_phase = CheckpointFiles(shared, common) if shared and common else None
        self._failed_step = folder / FAILED_STEP
        self._last = b""

    def resume(self, run: TrainingRun) -> None:
        """Continue from the newest state on disk, or from the beginning. What is damaged is named on stderr."""
        damaged: list[Path] = []
        for files in (self._own, self._first_phase):
            found = files.newest() if files else Found(None, b"", ())
            damaged += found.damaged
            if found.checkpoint:
                run.restore(found.checkpoint)
                self._last = found.content
                break
        else:
            self._last = pack(run.checkpoint())
        for path in damaged:
            _say(f"{path}: damaged, or its manifest is. The training goes on from step {run.step} instead.")

    def due(self, step: int) -> bool:
        """Whether the state after `step` steps is a savepoint."""
        settings = self._settings
        return step < settings.steps and (step % settings.checkpoint_every == 0 or step == deform_step(settings))

    def save(self, run: TrainingRun) -> None:
        """Keep the state of a training at a savepoint that it has just reached.

        Raises:
            OSError: a file cannot be written.
        """
        self._last = pack(run.checkpoint())
        if run.step % self._settings.checkpoint_every == 0:
            self._own.save(run.step, self._last)
        # A step that failed later belongs to this training alone.
        common = run.step == deform_step(self._settings) and (run.setback is None or run.setback.step < run.step)
        if self._first_phase and common and not self._first_phase.newest().checkpoint:
            self._first_phase.save(run.step, self._last)

    def go_back(self, run: TrainingRun, failed: FailedStepError) -> None:
        """Return to the last savepoint before a step that failed; from there on learning rates are smaller.

        Raises:
            TrainingError: it is the training's second failure. A file is left that reproduces the step.
        """
        if run.setback:
            self._end(run, failed)
        target = max(filter(self.due, range(failed.step)), default=0)
        curve = [row for row in run.curve if row[0] <= target]
        run.restore(self._state_before(failed.step, run))
        try:
            while run.step < target:
                run.advance()
            run.check()
        except FailedStepError as again:
            # On a GPU, where no step comes out the same twice.
            self._end(run, again)
        run.curve, run.setback = curve, Setback(failed.step, target, failed.reason, failed.images)
        _say(f"{failed} The training goes back to step {target}, with {SMALLER_STEP:g} times the learning rates.")

    def _state_before(self, step: int, run: TrainingRun) -> Checkpoint:
        """The newest state at hand from before a step, which may be the first one after a savepoint."""
        last = unpack(self._last)
        if last.step < step:
            return last
        return self._own.newest(step).checkpoint or TrainingRun(replace(self._job, data=run.data)).checkpoint()

    def _end(self, run: TrainingRun, failed: FailedStepError) -> NoReturn:
        write_failed_step(self._failed_step, describe_step(run))
        before = run.setback and (
            f" The training had gone back before, from step {run.setback.step} to step {run.setback.back_to}, and on "
            f"with {SMALLER_STEP:g} times the learning rates."
        )
        raise TrainingError(
            f"{failed}{before or ''} Look at the labels of these images, or lower the learning rates in params.yaml "
            f"(training.lr_*). To compute this step again: semagic replay {self._failed_step}"
        ) from failed


def _say(message: str) -> None:
    tqdm.write(message, file=sys.stderr)
