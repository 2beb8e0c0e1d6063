"""The optimiser of a training: one learning rate for each kind of network."""

import torch
from torch import nn

from pipeline.config.training_params import Training
from pipeline.model.deformable import DeformableModel


def make_optimizer(model: DeformableModel, params: Training) -> torch.optim.Adam:
    """Adam over all weights of the model; codes are among them once there are any."""
    prior, pose = [*model.changing.parameters(), *model.field.parameters()], list(model.pose.encoder.parameters())
    logits = list(model.pose.logits.parameters()) if model.pose.logits else []
    known = {id(p) for p in [*prior, *pose, *logits]} | {id(model.codes)}
    instance = [p for p in model.parameters() if id(p) not in known]
    groups = [
        _group(prior, params.lr_prior),
        _group(instance, params.lr_instance),
        _group(pose, params.hypotheses.lr_angles if logits else params.lr_pose),
    ]
    if logits:
        groups.append(_group(logits, params.hypotheses.lr_logits))
    optimizer = torch.optim.Adam(groups, fused=True)
    if len(model.codes):
        add_codes(optimizer, model, params)
    return optimizer


def add_codes(optimizer: torch.optim.Adam, model: DeformableModel, params: Training) -> None:
    """Have the optimiser learn the codes that the model was given after the optimiser was made."""
    optimizer.add_param_group(_group([model.codes], params.lr_codes))


def update(optimizer: torch.optim.Adam, clip: float, learning_rate: float) -> None:
    """One step along the gradients, of which each group's norm is clipped; the factor scales all learning rates."""
    for group in optimizer.param_groups:
        nn.utils.clip_grad_norm_(group["params"], clip, foreach=True)
        group["lr"] = group["base_lr"] * learning_rate
    optimizer.step()


def _group(parameters: list[nn.Parameter], rate: float) -> dict:
    """A group of the optimiser; `base_lr` is the rate before the schedule's factor."""
    return {"params": parameters, "lr": rate, "base_lr": rate}
