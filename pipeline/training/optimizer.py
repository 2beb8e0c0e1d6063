"""The optimiser of a training: one learning rate for each kind of network."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from pipeline.config.training_params import Training
from pipeline.model.deformable import DeformableModel


def make_optimizer(model: DeformableModel, params: Training) -> torch.optim.Adam:
    """Adam over all weights of the model; codes are among them once there are any."""
    prior, pose = [*model.changing.parameters(), *model.field.parameters()], list(model.pose.encoder.parameters())
    logits = list(model.pose.logits.parameters()) if model.pose.logits else []
    known = {id(p) for p in [*prior, *pose, *logits]} | {id(model.codes)}
    instance = [p for p in model.parameters() if id(p) not in known]
    groups = [
        _group("signed distance and feature field", prior, params.lr_prior),
        _group("encoder, deformation, texture and light", instance, params.lr_instance),
        _group("pose head", pose, params.hypotheses.lr_angles if logits else params.lr_pose),
    ]
    if logits:
        groups.append(_group("logits", logits, params.hypotheses.lr_logits))
    optimizer = torch.optim.Adam(groups, fused=True)
    if len(model.codes):
        add_codes(optimizer, model, params)
    return optimizer


def add_codes(optimizer: torch.optim.Adam, model: DeformableModel, params: Training) -> None:
    """Have the optimiser learn the codes that the model was given after the optimiser was made."""
    optimizer.add_param_group(_group("codes", [model.codes], params.lr_codes))


def clip_gradients(optimizer: torch.optim.Adam, clip: float) -> dict[str, Float[Tensor, ""]]:
    """Clip the norm of each group's gradient, and return the norms before by the group's name."""
    groups = {group["name"]: [p for p in group["params"] if p.grad is not None] for group in optimizer.param_groups}
    return {name: nn.utils.clip_grad_norm_(weights, clip, foreach=True) for name, weights in groups.items() if weights}


def update(optimizer: torch.optim.Adam, learning_rate: float, skip: Bool[Tensor, ""]) -> None:
    """Take one step along the gradients; the factor scales all learning rates.

    Where `skip` is true, weights and moments stay as they are. It is read on its device: nobody waits for a GPU.
    """
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * learning_rate
    # Adam's fused form offers this to torch.amp.GradScaler.
    optimizer.found_inf = skip.float()  # pyright: ignore[reportAttributeAccessIssue]
    optimizer.step()


def get_moments(optimizer: torch.optim.Adam) -> dict[str, Tensor]:
    """Moments and step counts of Adam, named '<index of the weight>.<name>'."""
    state = optimizer.state_dict()["state"]
    return {f"{index}.{name}": value for index, values in state.items() for name, value in values.items()}


def set_moments(optimizer: torch.optim.Adam, moments: dict[str, Tensor]) -> None:
    """Give Adam what `get_moments` returned for the same weights."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in moments.items():
        index, _, kind = name.partition(".")
        state.setdefault(int(index), {})[kind] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def _group(name: str, parameters: list[nn.Parameter], rate: float) -> dict:
    """A group of the optimiser; `base_lr` is the rate before the schedule's factor."""
    return {"name": name, "params": parameters, "lr": rate, "base_lr": rate}
