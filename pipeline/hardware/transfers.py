"""Small tensors on their way to a GPU and back.

An ordinary copy between CPU and GPU lets the GPU finish all it has to do first, and leaves it idle until the CPU has
found it new work.
"""

from collections.abc import Callable
from functools import lru_cache

import torch
from jaxtyping import Shaped
from torch import Tensor


def send(tensor: Shaped[Tensor, "*S"], device: torch.device) -> Shaped[Tensor, "*S"]:
    """A tensor of the CPU on the device; a GPU goes on working meanwhile."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def fetch(tensor: Shaped[Tensor, "*S"]) -> Callable[[], Tensor]:
    """Begin to copy a tensor to the CPU; what is returned waits for it, but not for what a GPU was given later."""
    if tensor.device.type != "cuda":
        return tensor.cpu
    copy, arrived = tensor.to("cpu", non_blocking=True), torch.cuda.Event()
    arrived.record(torch.cuda.current_stream(tensor.device))

    def wait() -> Tensor:
        arrived.synchronize()
        return copy

    return wait


def constant(values: tuple, like: Tensor) -> Tensor:
    """These numbers in the precision and on the device of another tensor, where they stay: do not change them."""
    return _constant(values, like.dtype, like.device)


@lru_cache
def _constant(values: tuple, dtype: torch.dtype, device: torch.device) -> Tensor:
    # A tensor made in inference mode could not be used where gradients are wanted later.
    with torch.inference_mode(False):
        return torch.tensor(values, dtype=dtype, device=device)
