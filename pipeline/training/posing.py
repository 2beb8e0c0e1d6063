"""Poses in which a training step renders its batch, and the error of the pose head with respect to its labels."""

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
    """Pose of each image of the batch, with what the losses need of it."""

    shown: PoseEstimate
    """Pose in which the object of each image is rendered."""
    importance: float | Float[Tensor, "B"]
    """Factor on the loss terms of each image: K times the probability of the hypothesis that was drawn out of K."""
    logits: Float[Tensor, "B"] | None
    """Logits of the drawn hypotheses. None where each image has only one hypothesis."""
    error: Float[Tensor, ""] | None
    """Mean pose loss over the pose batch. None without pose supervision."""


def find_poses(
    model: DeformableModel,
    batch: Batch,
    poses: PoseBatch,
    phase: Phase,
    params: Params,
    generator: torch.Generator,
) -> Posing:
    """Choose the pose of each image of a batch.

    Without pose supervision one of the image's pose hypotheses is drawn. With pose supervision there is one pose, and
    the pose head is compared with the labels of the pose batch. It then processes the tokens of both batches together,
    which halves the number of operations.
    """
    count = len(batch.tokens)
    # The draws are made in any case, so that runs with and without labels have all other draws in common.
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
    """Probabilities of the hypotheses: a blend of the uniform distribution and softmax(-sharpness * logits)."""
    softmax = (-phase.sharpness * hypotheses.logits).softmax(-1)
    return phase.uniform / softmax.shape[1] + (1 - phase.uniform) * softmax


def _choose_hypothesis(
    hypotheses: PoseHypotheses, phase: Phase, chances: tuple[Float[Tensor, "B"], Float[Tensor, "B"]]
) -> Int64[Tensor, "B"]:
    """Choose the most probable hypothesis with probability `phase.best`, otherwise one uniformly at random.

    Args:
        chances: two independent uniform draws in [0, 1) for each image.
    """
    number, device = hypotheses.logits.shape[1], hypotheses.logits.device
    anything = (chances[0] * number).long().clamp(max=number - 1)
    return torch.where(send(chances[1] < phase.best, device), hypotheses.logits.argmin(-1), send(anything, device))
