"""What a training step does: pure functions of the step and the parameters (hypotheses as in MagicPony)."""

from typing import NamedTuple

import numpy as np
import torch

from pipeline.config.params import Training


class Phase(NamedTuple):
    """The switches and factors of one step."""

    deform: bool
    """The deformation branch is on; with frozen identity so is the frozen topology."""
    jitter: bool
    """The grid is jittered."""
    depth: bool
    label_pose: bool
    """Rendering uses the pose labels where the run has them."""
    feat_cons: float
    """Factor on the weight of the feature consistency, 0 to 1."""
    learning_rate: float
    """Factor on all learning rates."""
    uniform: float
    """Share of equal probabilities in the hypotheses' distribution, 1 to 0."""
    sharpness: float
    """Inverse temperature of the hypotheses' distribution."""
    best: float
    """Probability of drawing the best hypothesis."""


def phase_at(step: int, params: Training) -> Phase:
    """The phase of `step`, counted from 0."""
    share = step / params.steps
    remaining = 1 - share
    hypotheses = params.hypotheses
    return Phase(
        deform=step >= deform_step(params),
        jitter=share < params.deform_from - 0.05,
        depth=share >= params.depth_from,
        label_pose=share < params.label_pose_until,
        feat_cons=_ramp(share, params.deform_from, params.deform_from + params.feat_cons_ramp),
        learning_rate=params.final_lr_factor if remaining <= params.final_share else 1.0,
        uniform=1 - _ramp(share, hypotheses.uniform_until, hypotheses.blend_until),
        sharpness=float(np.clip(share * hypotheses.sharpness, 1, 100)),
        best=hypotheses.best_share * _ramp(share, hypotheses.best_from, hypotheses.best_until),
    )


def deform_step(params: Training) -> int:
    """The first step with deformation."""
    return round(params.deform_from * params.steps)


def batch_order(seed: int, step: int, count: int, batch: int) -> np.ndarray:
    """Indices of `batch` of `count` images, a pure function of (seed, step): shuffled epochs, laid end to end."""
    positions = np.arange(step * batch, (step + 1) * batch)
    epochs = {epoch: _generator(seed, 0, epoch).permutation(count) for epoch in set((positions // count).tolist())}
    return np.array([epochs[position // count][position % count] for position in positions])


def batch_flips(seed: int, step: int, batch: int) -> np.ndarray:
    """Which of the `batch` images of `step` are mirrored."""
    return _generator(seed, 1, step).random(batch) < 0.5


def step_generator(seed: int, step: int) -> torch.Generator:
    """The generator of every other draw of `step`."""
    state = np.random.SeedSequence((seed, 2, step)).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))


def _generator(*key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(key))


def _ramp(share: float, start: float, end: float) -> float:
    return float(np.clip((share - start) / max(end - start, 1e-9), 0, 1))
