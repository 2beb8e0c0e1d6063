"""The training loop of one category: deterministic, resumable at any checkpoint with the same result."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn
from tqdm import tqdm

from pipeline.config.params import Params
from pipeline.hardware.transfers import fetch
from pipeline.model.deformable import DeformableModel, EmptyMeshError, InputSizes, build_model
from pipeline.rendering.rasterizer import make_rasterizer
from pipeline.training.checkpoint import Checkpoint, checkpoint_path, load_checkpoint, save_checkpoint
from pipeline.training.dataset import TrainingSet
from pipeline.training.identity import CPU, first_phase_identity, training_identity
from pipeline.training.objective import MeshCache, Terms, evaluate_objective
from pipeline.training.schedule import batch_flips, batch_order, deform_step, phase_at, step_generator

CURVE_COLUMNS = ("step", "total", *Terms._fields, "vertices")
"""Columns of the loss curve; the terms are unweighted."""


class TrainingError(RuntimeError):
    """Training cannot go on; the message names the term and the images."""


class TrainingResult(NamedTuple):
    """A trained model, with averaged weights, and its loss curve (rows of CURVE_COLUMNS)."""

    model: DeformableModel
    curve: list[list[float]]


def new_model(params: Params, data: TrainingSet, seed: int) -> DeformableModel:
    """A model with initial weights, where the data is; runs with pose supervision use one viewpoint hypothesis."""
    grid, channels = data.tokens.shape[2], data.tokens.shape[-1]
    hypotheses = 1 if params.loss.pose > 0 else params.model.pose.hypotheses.count
    sizes = InputSizes(grid, channels, data.targets.shape[-1])
    return build_model(params.model, sizes, hypotheses, seed, data.tokens.device)


def train(
    params: Params,
    data: TrainingSet,
    seed: int,
    checkpoints: Path,
    shared: Path | None = None,
    report: Callable[[dict[str, float]], None] = lambda row: None,
    description: str = "training",
    device: torch.device = CPU,
) -> TrainingResult:
    """Train from the last checkpoint of the same configuration and data, or from the beginning.

    Where another training with the same first phase has left its state in `shared`, that phase is not computed again;
    the result is the same to the last bit.

    Args:
        params: those of the cell (`pipeline.config.cells.resolve`).
        seed: of the initial weights, the sample order and every draw.
        checkpoints: folder of this cell's checkpoints.
        shared: folder of the states at the end of the first phase, for all cells; without it none is kept.
        report: called with each row of the loss curve, those before the checkpoint included.
        device: where the data is kept and everything computed.

    Returns:
        The model on the CPU.

    Raises:
        InputError: no rasterizer works on the device.
        TrainingError: a loss is not finite or the template vanished.
    """
    settings = params.training
    path = checkpoint_path(checkpoints, training_identity(params, data, seed, device))
    common = first_phase_identity(params, data, seed, device)
    first_phase = checkpoint_path(shared, common) if shared and common else None
    run = _Run(params, data.to(device), seed)
    saved = load_checkpoint(path) or (first_phase and load_checkpoint(first_phase))
    if saved:
        run.restore(saved)
        for row in run.curve:
            report(dict(zip(CURVE_COLUMNS, row, strict=True)))
    progress = tqdm(total=settings.steps, initial=run.step, desc=description, unit="step")
    with progress:
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


class _Run:
    """The state of one training, where its data is: model, optimiser, averaged weights, position."""

    def __init__(self, params: Params, data: TrainingSet, seed: int):
        self.params, self.data, self.seed = params, data, seed
        self.model = new_model(params, data, seed)
        self.rasterizer = make_rasterizer("auto", data.tokens.device)
        self.cache = MeshCache(self.rasterizer)
        self.optimizer = self._new_optimizer()
        self.average: dict[str, Tensor] = {}
        self.step = 0
        self.vertices = 0
        self.curve: list[list[float]] = []

    def advance(self) -> tuple[Terms, Tensor]:
        """One step; the terms and their total are left on the device, so that nobody need wait for them."""
        settings = self.params.training
        phase = phase_at(self.step, settings)
        if self.step == deform_step(settings) and self.params.model.deformation.identity == "frozen":
            self._freeze()
        batch = self.data.batch(*self._draw(settings.batch))
        poses = self.data.pose_batch(*self._draw(settings.pose_batch))
        try:
            generator = step_generator(self.seed, self.step)
            terms = evaluate_objective(
                self.model, self.rasterizer, self.cache, batch, poses, phase, self.params, generator
            )
        except EmptyMeshError as error:
            raise TrainingError(f"Step {self.step}, images {', '.join(batch.names)}: {error}") from error
        total = terms.total(self.params.loss, phase)
        finite = fetch(torch.stack(terms).isfinite())
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        for group in self.optimizer.param_groups:
            nn.utils.clip_grad_norm_(group["params"], settings.clip, foreach=True)
            group["lr"] = group["base_lr"] * phase.learning_rate
        self.optimizer.step()
        if phase.deform:
            self._update_average(settings.ema)
        # Looked at only now, when a GPU has been given all there is to do. If it fails, the run is spoiled and ends.
        self._check_finite(finite().tolist(), batch.names)
        self.vertices = self.cache.vertices
        self.step += 1
        return Terms(*(term.detach() for term in terms)), total.detach()

    def checkpoint(self) -> Checkpoint:
        return Checkpoint(
            self.step, self.model.state_dict(), self.optimizer.state_dict(), dict(self.average), self.curve
        )

    def restore(self, saved: Checkpoint) -> None:
        self.model.load_state_dict(saved.model)
        self.optimizer = self._new_optimizer()
        self.optimizer.load_state_dict(saved.optimizer)
        self.average = {name: value.to(self.model.codes.device) for name, value in saved.average.items()}
        self.step, self.curve = saved.step, saved.curve

    def finished(self) -> DeformableModel:
        """The model with the averaged weights."""
        with torch.no_grad():
            for name, value in self.model.named_parameters():
                if name in self.average:
                    value.copy_(self.average[name])
        return self.model.eval().cpu()

    def _draw(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Which images this step sees, and which of them mirrored."""
        index = batch_order(self.seed, self.step, len(self.data.names), count)
        return index, batch_flips(self.seed, self.step, count) & self.params.training.flip

    def _freeze(self) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.model.freeze()
        self.optimizer.add_param_group(self._codes_group())

    def _new_optimizer(self) -> torch.optim.Adam:
        model, settings = self.model, self.params.training
        prior, pose = [*model.sdf.parameters(), *model.field.parameters()], list(model.pose.encoder.parameters())
        logits = list(model.pose.logits.parameters()) if model.pose.logits else []
        known = {id(p) for p in [*prior, *pose, *logits]} | {id(model.codes)}
        instance = [p for p in model.parameters() if id(p) not in known]
        groups = [
            _group(prior, settings.lr_prior),
            _group(instance, settings.lr_instance),
            _group(pose, settings.hypotheses.lr_angles if logits else settings.lr_pose),
        ]
        if logits:
            groups.append(_group(logits, settings.hypotheses.lr_logits))
        optimizer = torch.optim.Adam(groups, fused=True)
        if len(model.codes):
            optimizer.add_param_group(self._codes_group())
        return optimizer

    def _codes_group(self) -> dict:
        return _group([self.model.codes], self.params.training.lr_codes)

    def _update_average(self, decay: float) -> None:
        with torch.no_grad():
            values = dict(self.model.named_parameters())
            if self.average:
                get_ema_multi_avg_fn(decay)([self.average[name] for name in values], [*values.values()], None)
            else:
                self.average = {name: value.clone() for name, value in values.items()}

    def _check_finite(self, finite: list[bool], names: tuple[str, ...]) -> None:
        if not all(finite):
            bad = [name for name, good in zip(Terms._fields, finite, strict=True) if not good]
            raise TrainingError(
                f"Step {self.step}: the terms {', '.join(bad)} are not finite on the images {', '.join(names)}. "
                "Look at these images' labels, or lower the learning rates in params.yaml (training.lr_*)."
            )


def _group(parameters: list[nn.Parameter], rate: float) -> dict:
    """A group of the optimiser; `base_lr` is the rate before the schedule's factor."""
    return {"params": parameters, "lr": rate, "base_lr": rate}
