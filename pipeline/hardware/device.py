"""The processor that a parameter names."""

import re
from typing import TYPE_CHECKING

from pipeline.base.errors import InputError

if TYPE_CHECKING:
    import torch


def choose_device(name: str, key: str) -> "torch.device":
    """The device of this name: 'auto' (the first GPU if there is one), 'cpu', 'cuda' or 'cuda:N'.

    What 'auto' finds is printed, as a GPU that torch does not see would cost days.

    Args:
        key: of params.yaml that has the name.

    Raises:
        InputError: no such name, or the GPU is not there.
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
