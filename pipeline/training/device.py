"""The device that a training runs on, and the settings of torch there."""

import torch

from pipeline.base.errors import InputError
from pipeline.config.training_params import Training
from pipeline.hardware.device import choose_device
from pipeline.rendering.rasterizer import make_rasterizer


def training_device(name: str) -> torch.device:
    """The device that `training.device` names; 'auto' is a GPU only if a rasterizer works on it.

    Raises:
        InputError: there is no such device, or no rasterizer for it.
    """
    device = choose_device(name, "training.device")
    try:
        make_rasterizer("auto", device)
    except InputError as error:
        if name != "auto":
            raise
        print(f"Training runs on the CPU, although there is a GPU. {error}")
        return torch.device("cpu")
    return device


def configure_torch(device: torch.device, params: Training) -> None:
    """Make torch's results repeatable on a CPU, and set the precision of a GPU's matrix products.

    On a GPU the rasterizer adds gradients in no fixed order anyway; there torch's repeatable operations would only cost
    time, a third of a step.
    """
    gpu = device.type != "cpu"
    torch.use_deterministic_algorithms(not gpu)
    # PyTorch would also fill new memory, a few percent of a step; every operation here writes all of its result.
    # torch sets this attribute up at run time, where type checkers do not see it.
    torch.utils.deterministic.fill_uninitialized_memory = False  # pyright: ignore[reportAttributeAccessIssue]
    torch.set_float32_matmul_precision("high" if gpu and params.matmul == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = params.matmul == "tf32"
