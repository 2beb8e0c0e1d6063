"""Where a training runs, and how torch computes there."""

import os

import torch

from pipeline.device import choose_device
from pipeline.errors import InputError
from pipeline.params import Training
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
    """Make torch's results on `device` repeatable, and set the precision of its matrix products.

    On a GPU the rasterizer itself adds gradients in no fixed order, so that an operation without a repeatable version
    is not worth an error there.
    """
    gpu = device.type != "cpu"
    # cuBLAS asks for it before its first product.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=gpu)
    # PyTorch would also fill new memory, a few percent of a step; every operation here writes all of its result.
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.set_float32_matmul_precision("high" if gpu and params.matmul == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = params.matmul == "tf32"
