"""The poses in which a step renders its batch, and what its pose labels say of the pose head."""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from pipeline.config.params import Params
from pipeline.hardware.transfers import send
from pipeline.model.deformable import DeformableModel
from pipeline.model.pose import PoseEstimate, PoseHypotheses
from pipeline.training import losses
from pipeline.training.augment import augment_pose
from pipeline.training.dataset import Batch, PoseBatch
from pipeline.training.schedule import Phase


class Posing(NamedTuple):
    """One pose for each image of the batch."""

    shown: PoseEstimate
    """The one to render."""
    importance: float | Float[Tensor, "B"]
    """Factor on the image's terms: K times the probability of the drawn one of K hypotheses."""
    logits: Float[Tensor, "B"] | None
    """Of the drawn hypotheses; None where there is one for each image."""
    error: Float[Tensor, ""] | None
    """The pose loss over the pose batch; None without pose supervision."""


def find_poses(
    model: DeformableModel,
    batch: Batch,
    poses: PoseBatch,
    phase: Phase,
    params: Params,
    generator: torch.Generator,
) -> Posing:
    """Draw one of each image's hypotheses; with pose supervision there is one, which is compared with labels.

    The pose head then sees the tokens of both batches at once, for half as many operations.
    """
    count = len(batch.tokens)
    # Drawn in any case, so that runs with and without labels have their other draws in common.
    chances = torch.rand(count, generator=generator), torch.rand(count, generator=generator)
    if params.loss.pose > 0:
        augmented = augment_pose(poses, params.training.pose_augmentation, generator)
        everything = model.pose(batch.tokens, augmented.tokens)
        error = losses.pose_loss(everything.rotations[count:, 0], augmented.rotation, poses.fold).mean()
        pose = PoseHypotheses(*(value[:count] for value in everything)).best()
        return Posing(pose._replace(rotation=batch.rotation) if phase.label_pose else pose, 1.0, None, error)
    hypotheses = model.pose(batch.tokens)
    number = hypotheses.logits.shape[1]
    if number == 1:
        return Posing(hypotheses.best(), 1.0, None, None)
    choice = _choose_hypothesis(hypotheses, phase, chances)
    probability = _probabilities(hypotheses, phase).gather(1, choice[:, None])[:, 0]
    logits = hypotheses.logits.gather(1, choice[:, None])[:, 0]
    return Posing(hypotheses.pick(choice), number * probability.detach(), logits, None)


def _probabilities(hypotheses: PoseHypotheses, phase: Phase) -> Float[Tensor, "B K"]:
    """Blend of equal probabilities and softmax(-sharpness * logits)."""
    softmax = (-phase.sharpness * hypotheses.logits).softmax(-1)
    return phase.uniform / softmax.shape[1] + (1 - phase.uniform) * softmax


def _choose_hypothesis(
    hypotheses: PoseHypotheses, phase: Phase, chances: tuple[Float[Tensor, "B"], Float[Tensor, "B"]]
) -> Int64[Tensor, "B"]:
    """The most probable hypothesis with probability `phase.best`, otherwise any; `chances` are uniform in [0, 1)."""
    number, device = hypotheses.logits.shape[1], hypotheses.logits.device
    anything = (chances[0] * number).long().clamp(max=number - 1)
    return torch.where(send(chances[1] < phase.best, device), hypotheses.logits.argmin(-1), send(anything, device))
