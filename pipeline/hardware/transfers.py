"""Asynchronous transfers of small tensors between CPU and GPU.

An ordinary copy waits until the GPU has finished all queued work, and leaves it idle until the CPU queues more.
"""

from functools import lru_cache

import torch
from jaxtyping import Shaped
from torch import Tensor


def send(tensor: Shaped[Tensor, "*S"], device: torch.device) -> Shaped[Tensor, "*S"]:
    """Copy a CPU tensor to a device without interrupting the work of a GPU."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def constant(values: tuple, like: Tensor) -> Tensor:
    """Tensor of constant values with the dtype and device of `like`. It is cached, so it must not be modified."""
    return _constant(values, like.dtype, like.device)


@lru_cache
def _constant(values: tuple, dtype: torch.dtype, device: torch.device) -> Tensor:
    # A tensor created in inference mode could not take part in a computation with gradients later.
    with torch.inference_mode(False):
        return torch.tensor(values, dtype=dtype, device=device)
