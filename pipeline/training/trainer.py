"""The training loop of one category: deterministic, resumable at any checkpoint with the same result."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from tqdm import tqdm

from pipeline.model.deformable import DeformableModel
from pipeline.training.checkpoint import checkpoint_path, load_checkpoint, save_checkpoint
from pipeline.training.job import TrainingJob
from pipeline.training.objective import Terms
from pipeline.training.run import TrainingRun
from pipeline.training.schedule import deform_step

CURVE_COLUMNS = ("step", "total", *Terms._fields, "vertices")
"""Columns of the loss curve; the terms are unweighted."""


class TrainingResult(NamedTuple):
    """A trained model, with averaged weights, and its loss curve (rows of CURVE_COLUMNS)."""

    model: DeformableModel
    curve: list[list[float]]


def train(
    job: TrainingJob,
    checkpoints: Path,
    shared: Path | None = None,
    report: Callable[[dict[str, float]], None] = lambda row: None,
    description: str = "training",
) -> TrainingResult:
    """Train from the last checkpoint of the same job, or from the beginning.

    Where another training with the same first phase has left its state in `shared`, that phase is not computed again;
    the result is the same to the last bit.

    Args:
        checkpoints: folder of this training's checkpoints.
        shared: folder of the states at the end of the first phase, for all trainings; without it none is kept.
        report: called with each row of the loss curve, those before the checkpoint included.
        description: label of the progress bar.

    Returns:
        The model, on the CPU, and the curve.

    Raises:
        InputError: no rasterizer works on the device.
        TrainingError: a loss is not finite or the template vanished.
    """
    settings = job.params.training
    path = checkpoint_path(checkpoints, job.identity())
    common = job.first_phase_identity()
    first_phase = checkpoint_path(shared, common) if shared and common else None
    run = TrainingRun(job)
    saved = load_checkpoint(path) or (first_phase and load_checkpoint(first_phase))
    if saved:
        run.restore(saved)
        for row in run.curve:
            report(dict(zip(CURVE_COLUMNS, row, strict=True)))
    with tqdm(total=settings.steps, initial=run.step, desc=description, unit="step") as progress:
        while run.step < settings.steps:
            if first_phase and run.step == deform_step(settings) and not first_phase.is_file():
                save_checkpoint(first_phase, run.checkpoint())
            terms, total = run.advance()
            progress.update()
            if run.step % settings.log_every == 0 or run.step == settings.steps:
                row = [run.step, float(total), *torch.stack(terms).cpu().tolist(), run.vertices]
                run.curve.append(row)
                report(dict(zip(CURVE_COLUMNS, row, strict=True)))
                progress.set_postfix(loss=f"{row[1]:.3f}", mask=f"{float(terms.mask):.4f}", vertices=run.vertices)
            if run.step % settings.checkpoint_every == 0 and run.step < settings.steps:
                save_checkpoint(path, run.checkpoint())
    return TrainingResult(run.finished(), run.curve)
