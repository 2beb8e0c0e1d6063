"""The training loop of one category: deterministic, resumable at any checkpoint with the same result."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from tqdm import tqdm

from pipeline.model.deformable import DeformableModel
from pipeline.training.curve import named_rows
from pipeline.training.failure import FailedStepError
from pipeline.training.job import TrainingJob
from pipeline.training.run import TrainingRun
from pipeline.training.savepoints import Savepoints
from pipeline.training.setback import Setback


class TrainingResult(NamedTuple):
    """A trained model, with averaged weights, and how it came about."""

    model: DeformableModel
    curve: list[list[float]]
    """Rows of `pipeline.training.curve.CURVE_COLUMNS`."""
    setback: Setback | None
    """The training's return to an earlier state. None if there was none."""
    machines: tuple[str, ...]
    """Kinds of machines that have computed it (`pipeline.hardware.machine_kind`); one, unless it went on elsewhere."""


def train(
    job: TrainingJob,
    checkpoints: Path,
    shared: Path | None = None,
    report: Callable[[dict[str, float]], None] = lambda row: None,
    description: str = "training",
) -> TrainingResult:
    """Train from the last checkpoint of the same job, or from the beginning.

    Where another training with the same first phase has left its state in `shared`, that phase is not computed again;
    the result is the same to the last bit. A step that fails makes the training go back to its last savepoint, once,
    and on with smaller learning rates.

    Args:
        checkpoints: folder of this training's checkpoints.
        shared: folder of the states at the end of the first phase, for all trainings; without it none is kept.
        report: called with each row of the loss curve by column, those before the checkpoint included. After a return
            rows of the same steps are told again, of which the first has the column `setback`.
        description: label of the progress bar.

    Returns:
        The model, on the CPU, with the curve.

    Raises:
        InputError: no rasterizer works on the device.
        TrainingError: a second step failed, or there is no template in the end.
    """
    settings = job.params.training
    run, savepoints = TrainingRun(job), Savepoints(job, checkpoints, shared)
    savepoints.resume(run)
    for row in named_rows(run.curve, run.setback):
        report(row)
    with tqdm(total=settings.steps, initial=run.step, desc=description, unit="step") as progress:
        while run.step < settings.steps:
            try:
                terms, total, *_ = run.advance()
                logged = run.step % settings.log_every == 0 or run.step == settings.steps
                if logged or savepoints.due(run.step):
                    run.check()
            except FailedStepError as failed:
                savepoints.go_back(run, failed)
                progress.update(run.step - progress.n)
                continue
            progress.update()
            if logged:
                run.curve.append([run.step, float(total), *torch.stack(terms).cpu().tolist(), run.vertices])
                report(named_rows(run.curve[-2:], run.setback)[-1])
                progress.set_postfix(loss=f"{float(total):.3f}", mask=f"{float(terms.mask):.4f}", vertices=run.vertices)
            if savepoints.due(run.step):
                savepoints.save(run)
    return TrainingResult(run.finished(), run.curve, run.setback, run.machines)
