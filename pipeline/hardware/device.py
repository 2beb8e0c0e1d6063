"""Choice of the torch device that a parameter names."""

import re
from typing import TYPE_CHECKING

from pipeline.base.errors import InputError

if TYPE_CHECKING:
    import torch


def choose_device(name: str, key: str) -> "torch.device":
    """Choose a torch device.

    The device that 'auto' selects is printed, because a GPU that torch does not find can cost days.

    Args:
        name: 'auto' (the first GPU if there is one, otherwise the CPU), 'cpu', 'cuda' or 'cuda:N'.
        key: key of params.yaml that holds the name, for messages.

    Raises:
        InputError: the name is invalid, or torch does not find this GPU.
    """
    import torch

    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        device = torch.device("cuda" if gpus else "cpu")
        print(f"{key}: auto is {device} here (torch {torch.__version__}).")
        return device
    match = re.fullmatch(r"cpu|cuda(?::(\d+))?", name, flags=re.ASCII)
    if match is None:
        raise InputError(f"params.yaml: {key} must be auto, cpu, cuda or cuda:N (N from 0); found '{name}'.")
    if name != "cpu" and int(match[1] or 0) >= gpus:
        raise InputError(
            f"params.yaml: {key} is '{name}', and torch {torch.__version__} finds {gpus} GPUs here. "
            "Set it to auto or cpu, or install a build of torch that fits the GPU's driver."
        )
    return torch.device(name)
