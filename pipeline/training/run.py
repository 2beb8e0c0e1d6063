"""The state of one training between its steps: model, optimiser, averaged weights, position."""

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import get_ema_multi_avg_fn

from pipeline.config.params import Params
from pipeline.hardware.transfers import fetch
from pipeline.model.deformable import DeformableModel, InputSizes, build_model
from pipeline.model.template import EmptyMeshError
from pipeline.model.view import View
from pipeline.rendering.rasterizer import make_rasterizer
from pipeline.training.checkpoint import Checkpoint
from pipeline.training.dataset import TrainingSet
from pipeline.training.job import TrainingJob
from pipeline.training.objective import Objective, Terms
from pipeline.training.optimizer import add_codes, make_optimizer, update
from pipeline.training.schedule import batch_flips, batch_order, deform_step, phase_at, step_generator


class TrainingError(RuntimeError):
    """Training cannot go on; the message names the term and the images."""


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
        vertices: number of the template's vertices in the last step.
        curve: rows of the loss curve so far, for whoever logs them.

    Raises:
        InputError: no rasterizer works on the device.
    """

    def __init__(self, job: TrainingJob):
        params = job.params
        self.params, self.data, self.seed = params, job.data.to(job.device), job.seed
        self.model = new_model(params, self.data, self.seed)
        rasterizer = make_rasterizer("auto", self.data.tokens.device)
        view = View(rasterizer, params.model.pose, params.data.crop_margin, params.training.image_size)
        self.objective = Objective(self.model, view, params)
        self.optimizer = make_optimizer(self.model, params.training)
        self.average: dict[str, Tensor] = {}
        self.step = 0
        self.curve: list[list[float]] = []

    @property
    def vertices(self) -> int:
        return self.objective.view.mesh.vertices

    def advance(self) -> tuple[Terms, Tensor]:
        """One step; the terms and their total are left on the device, so that nobody need wait for them.

        Raises:
            TrainingError: a loss is not finite or the template vanished.
        """
        settings = self.params.training
        phase = phase_at(self.step, settings)
        if self.step == deform_step(settings) and self.params.model.deformation.identity == "frozen":
            self._freeze()
        batch = self.data.batch(*self._draw(settings.batch))
        poses = self.data.pose_batch(*self._draw(settings.pose_batch))
        try:
            terms = self.objective(batch, poses, phase, step_generator(self.seed, self.step))
        except EmptyMeshError as error:
            raise TrainingError(f"Step {self.step}, images {', '.join(batch.names)}: {error}") from error
        total = terms.total(self.params.loss, phase)
        finite = fetch(torch.stack(terms).isfinite())
        self.optimizer.zero_grad(set_to_none=True)
        total.backward()
        update(self.optimizer, settings.clip, phase.learning_rate)
        if phase.deform:
            self._update_average(settings.ema)
        # The check waits until a GPU has been given all there is to do. If it fails, the run is spoiled and ends.
        self._check_finite(finite().tolist(), batch.names)
        self.step += 1
        return Terms(*(term.detach() for term in terms)), total.detach()

    def checkpoint(self) -> Checkpoint:
        """Everything that the next step depends on."""
        return Checkpoint(
            self.step, self.model.state_dict(), self.optimizer.state_dict(), dict(self.average), self.curve
        )

    def restore(self, saved: Checkpoint) -> None:
        """Go back, or forward, to a checkpoint of the same job."""
        self.model.load_state_dict(saved.model)
        self.optimizer = make_optimizer(self.model, self.params.training)
        self.optimizer.load_state_dict(saved.optimizer)
        self.average = {name: value.to(self.model.codes.device) for name, value in saved.average.items()}
        self.step, self.curve = saved.step, saved.curve

    def finished(self) -> DeformableModel:
        """The model with the averaged weights, on the CPU."""
        with torch.no_grad():
            for name, value in self.model.named_parameters():
                if name in self.average:
                    value.copy_(self.average[name])
        return self.model.eval().cpu()

    def _draw(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Indices of the images that this step sees, and whether each is mirrored."""
        index = batch_order(self.seed, self.step, len(self.data.names), count)
        return index, batch_flips(self.seed, self.step, count) & self.params.training.flip

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

    def _check_finite(self, finite: list[bool], names: tuple[str, ...]) -> None:
        if not all(finite):
            bad = [name for name, good in zip(Terms._fields, finite, strict=True) if not good]
            raise TrainingError(
                f"Step {self.step}: the terms {', '.join(bad)} are not finite on the images {', '.join(names)}. "
                "Look at these images' labels, or lower the learning rates in params.yaml (training.lr_*)."
            )
