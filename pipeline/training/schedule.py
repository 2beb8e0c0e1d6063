"""Training schedule, as pure functions of the step and the parameters (pose hypotheses as in MagicPony)."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Int64

from pipeline.config.training_params import Training


class Phase(NamedTuple):
    """Switches and factors of one training step."""

    deform: bool
    """Whether the deformation branch is active. With frozen identity, the topology is then frozen too."""
    jitter: bool
    """Whether the grid is jittered."""
    outline: bool
    """Whether outlines are compared with projected vertices."""
    depth: bool
    """Whether the depth loss is active."""
    label_pose: bool
    """Whether rendering uses the pose labels, in runs that have them."""
    refine_labels: bool
    """Whether the labels that images are rendered in are refined."""
    feat_cons: float
    """Factor in [0, 1] on the weight of the feature consistency loss."""
    learning_rate: float
    """Factor on all learning rates."""
    uniform: float
    """Share in [0, 1] of the uniform distribution in the distribution of the pose hypotheses."""
    sharpness: float
    """Inverse temperature of the distribution of the pose hypotheses."""
    best: float
    """Probability of choosing the best pose hypothesis."""


class Draw(NamedTuple):
    """Images that a batch is made of."""

    index: Int64[np.ndarray, "B"]
    flips: Bool[np.ndarray, "B"]
    """Whether each image is mirrored."""


class Draws(NamedTuple):
    """What a step sees."""

    batch: Draw
    """Images that are rendered."""
    poses: Draw
    """Images whose poses are compared with their labels."""
    outlines: Draw
    """Images whose outlines are compared with projected vertices."""


def phase_at(step: int, params: Training) -> Phase:
    """Phase of a step. Steps are counted from 0."""
    share = step / params.steps
    remaining = 1 - share
    hypotheses = params.hypotheses
    return Phase(
        deform=step >= deform_step(params),
        jitter=share < params.deform_from - 0.05,
        outline=share >= params.outline_from,
        depth=share >= params.depth_from,
        label_pose=share < params.label_pose_until,
        refine_labels=_refined(share, params),
        feat_cons=_ramp(share, params.deform_from, params.deform_from + params.feat_cons_ramp),
        learning_rate=params.final_lr_factor if remaining <= params.final_share else 1.0,
        uniform=1 - _ramp(share, hypotheses.uniform_until, hypotheses.blend_until),
        sharpness=float(np.clip(share * hypotheses.sharpness, 1, 100)),
        best=hypotheses.best_share * _ramp(share, hypotheses.best_from, hypotheses.best_until),
    )


def _refined(share: float, params: Training) -> bool:
    refinement = params.label_refinement
    return refinement.step > 0 and refinement.start <= share < params.label_pose_until


def deform_step(params: Training) -> int:
    """First step with deformation."""
    return round(params.deform_from * params.steps)


def draws_at(step: int, seed: int, count: int, params: Training) -> Draws:
    """Draw what a step sees of `count` images, as a pure function of the arguments."""
    sizes = (params.batch, params.pose_batch, params.outline_batch)
    return Draws(*(Draw(batch_order(seed, step, count, n), batch_flips(seed, step, n) & params.flip) for n in sizes))


def batch_order(seed: int, step: int, count: int, batch: int) -> np.ndarray:
    """Indices of the `batch` images of a step, out of `count`, from shuffled epochs that follow each other.

    The result is a pure function of (seed, step).
    """
    positions = np.arange(step * batch, (step + 1) * batch)
    epochs = {epoch: _generator(seed, 0, epoch).permutation(count) for epoch in set((positions // count).tolist())}
    return np.array([epochs[position // count][position % count] for position in positions.tolist()])


def batch_flips(seed: int, step: int, batch: int) -> np.ndarray:
    """Whether each of the `batch` images of a step is mirrored."""
    return _generator(seed, 1, step).random(batch) < 0.5


def step_generator(seed: int, step: int) -> torch.Generator:
    """Random generator for all draws of a step other than the order and the mirroring of images."""
    state = np.random.SeedSequence((seed, 2, step)).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))


def _generator(*key: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(key))


def _ramp(share: float, start: float, end: float) -> float:
    return float(np.clip((share - start) / max(end - start, 1e-9), 0, 1))
