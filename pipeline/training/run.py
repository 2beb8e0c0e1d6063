"""The state of one training between its steps: model, optimiser, averaged weights, position."""

from dataclasses import replace

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from pipeline.config.params import Params
from pipeline.hardware.machine_kind import machine_kind
from pipeline.hardware.transfers import send
from pipeline.model.deformable import DeformableModel, InputSizes, build_model
from pipeline.model.template import NoSurfaceError
from pipeline.model.view import View
from pipeline.rendering.rasterizer import make_rasterizer
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.dataset import TrainingSet
from pipeline.training.evaluated import Evaluated
from pipeline.training.failure import FailedStepError, TrainingError
from pipeline.training.job import TrainingJob
from pipeline.training.label_turns import apply_turns, moved_turns, turnable
from pipeline.training.objective import Objective, Terms
from pipeline.training.optimizer import (
    add_codes,
    clip_gradients,
    get_moments,
    make_optimizer,
    set_moments,
    update,
)
from pipeline.training.schedule import Draw, Draws, Phase, draws_at, phase_at, step_generator
from pipeline.training.setback import SMALLER_STEP, Setback


def new_model(params: Params, data: TrainingSet, seed: int) -> DeformableModel:
    """A model with initial weights, where the data is; runs with pose supervision use one viewpoint hypothesis."""
    grid, channels = data.tokens.shape[2], data.tokens.shape[-1]
    hypotheses = 1 if params.loss.pose > 0 else params.model.pose.hypotheses.count
    sizes = InputSizes(grid, channels, data.targets.shape[-1])
    return build_model(params.model, sizes, hypotheses, seed, data.tokens.device)


class TrainingRun:
    """One training, on its job's device.

    Attributes:
        step: number of steps done.
        data: the training set, whose pose labels may be refined as the training goes on.
        vertices: number of the template's vertices in the last step.
        curve: rows of the loss curve so far, for whoever logs them.
        setback: the training's return to an earlier state; from then on learning rates are smaller.
        machines: kinds of machines that have computed the steps so far, and this one's.

    Raises:
        InputError: no rasterizer works on the device.
    """

    def __init__(self, job: TrainingJob):
        params = job.params
        self.params, self.data, self.seed = params, job.data.to(job.device), job.seed
        self._labels, self._turns = self.data.rotation, torch.zeros_like(self.data.rotation[:, 0])
        self.model = new_model(params, self.data, self.seed)
        rasterizer = make_rasterizer("auto", self.data.tokens.device)
        view = View(rasterizer, params.model.pose, params.data.crop_margin, params.training.image_size)
        self.objective = Objective(self.model, view, params)
        self.optimizer = make_optimizer(self.model, params.training)
        self.average: dict[str, Tensor] = {}
        self.step = 0
        self.curve: list[list[float]] = []
        self.setback: Setback | None = None
        self.machines = (machine_kind(job.device),)
        self._spoiled = self._none_spoiled()

    @property
    def vertices(self) -> int:
        return self.objective.view.mesh.vertices

    def draws(self) -> Draws:
        """What the next step sees."""
        return draws_at(self.step, self.seed, len(self.data.names), self.params.training)

    def evaluate(self, draws: Draws) -> Evaluated:
        """Compute the objective of the next step, and leave its clipped gradients in the weights.

        Raises:
            NoSurfaceError: the template has vanished, or fills the grid.
        """
        phase = phase_at(self.step, self.params.training)
        if phase.deform and self.params.model.deformation.identity == "frozen" and self.model.frozen is None:
            self._freeze()
        batch = self.data.batch(*draws.batch)
        poses = self.data.pose_batch(*draws.poses, self.params.model.pose.pool)
        outlines = self.data.outline_batch(*draws.outlines) if self._outlined(phase) else None
        turned = turnable(batch.rotation) if phase.refine_labels else None
        if turned is not None:
            batch = batch._replace(rotation=turned.rotation)
        terms = self.objective(batch, poses, outlines, phase, step_generator(self.seed, self.step))
        total = terms.total(self.params.loss, phase)
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        norms = clip_gradients(self.optimizer, self.params.training.clip)
        gradient = None if turned is None else turned.turn.grad
        if gradient is not None:
            norms["pose labels"] = gradient.norm()
        return Evaluated(Terms(*(term.detach() for term in terms)), total.detach(), norms, gradient)

    def advance(self) -> Evaluated:
        """One step; its numbers are left on the device, so that nobody need wait for them.

        If one of them is not finite, the weights stay as they are from this step on, until `check` is called.

        Raises:
            FailedStepError: the template has vanished, or fills the grid.
        """
        settings = self.params.training
        phase = phase_at(self.step, settings)
        draws = self.draws()
        try:
            evaluated = self.evaluate(draws)
        except NoSurfaceError as error:
            self.check()
            raise self._failed(str(error)) from error
        self._spoiled = torch.where((self._spoiled < 0) & ~evaluated.finite, self.step, self._spoiled)
        factor = SMALLER_STEP if self.setback else 1.0
        update(self.optimizer, factor * phase.learning_rate, self._spoiled >= 0)
        if evaluated.turns is not None:
            self._refine_labels(draws.batch, evaluated.turns)
        if phase.deform:
            self._update_average(settings.ema)
        self.step += 1
        return evaluated

    def check(self) -> None:
        """Wait for the numbers of all steps so far.

        Raises:
            FailedStepError: one was not finite. The training is before the first such step again.
        """
        spoiled = int(self._spoiled)
        if spoiled < 0:
            return
        self.step, self._spoiled = spoiled, self._none_spoiled()
        try:
            # The weights are still those that the step had.
            reason = self.evaluate(self.draws()).not_finite()
        except NoSurfaceError as error:
            reason = str(error)
        # A GPU may round differently the second time.
        raise self._failed(reason or "a number was not finite, but is when the step is computed again")

    def checkpoint(self) -> Checkpoint:
        """Everything that the next step depends on."""
        model, moments, average = self.model.state_dict(), get_moments(self.optimizer), dict(self.average)
        turns = self._turns.clone() if self.params.training.label_refinement.step else None
        return Checkpoint(self.step, model, moments, average, list(self.curve), self.setback, turns, self.machines)

    def restore(self, saved: Checkpoint) -> None:
        """Go back, or forward, to a checkpoint of the same job."""
        self.model.load_state_dict(saved.model)
        self.optimizer = make_optimizer(self.model, self.params.training)
        set_moments(self.optimizer, saved.moments)
        self.average = {name: value.to(self.model.codes.device) for name, value in saved.average.items()}
        self.step, self.curve, self.setback = saved.step, list(saved.curve), saved.setback
        self.machines = tuple(dict.fromkeys((*saved.machines, *self.machines)))
        self._spoiled = self._none_spoiled()
        if saved.turns is not None:
            self._turn_labels(saved.turns.to(self._labels.device, copy=True))

    def finished(self) -> DeformableModel:
        """The model with the averaged weights, on the CPU.

        Raises:
            TrainingError: with these weights there is no template.
        """
        with torch.no_grad():
            for name, value in self.model.named_parameters():
                if name in self.average:
                    value.copy_(self.average[name])
            try:
                self.model.template()
            except NoSurfaceError as error:
                raise TrainingError(
                    f"The averaged weights have no template: {error}. Lower the learning rates in params.yaml "
                    "(training.lr_*), or average over fewer steps (training.ema)."
                ) from error
        return self.model.eval().cpu()

    def _refine_labels(self, draw: Draw, gradient: Float[Tensor, "B 3"]) -> None:
        """Turn the labels of the images that were rendered, unless the weights stay as they are too."""
        device = self._turns.device
        index, mirrored = (send(torch.from_numpy(array), device) for array in draw)
        turns = moved_turns(self._turns, index, mirrored, gradient, self.params.training.label_refinement)
        self._turn_labels(torch.where(self._spoiled >= 0, self._turns, turns))

    def _turn_labels(self, turns: Float[Tensor, "N 3"]) -> None:
        self._turns = turns
        self.data = replace(self.data, rotation=apply_turns(turns, self._labels))

    def _outlined(self, phase: Phase) -> bool:
        """Whether outlines are compared: in poses that mean something."""
        weights = self.params.loss
        return weights.outline > 0 and phase.outline and (weights.pose > 0 or phase.deform)

    def _failed(self, reason: str) -> FailedStepError:
        names = [self.data.names[i] for i in self.draws().batch.index]
        return FailedStepError(self.step, reason, tuple(names))

    def _none_spoiled(self) -> Int64[Tensor, ""]:
        """The first step with a number that is not finite, or -1; it is on the device, so that nobody need wait."""
        return torch.tensor(-1, device=self.data.tokens.device)

    def _freeze(self) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.model.freeze()
        add_codes(self.optimizer, self.model, self.params.training)

    def _update_average(self, decay: float) -> None:
        with torch.no_grad():
            values = dict(self.model.named_parameters())
            if self.average:
                get_ema_multi_avg_fn(decay)([self.average[name] for name in values], [*values.values()], None)
            else:
                self.average = {name: value.clone() for name, value in values.items()}
