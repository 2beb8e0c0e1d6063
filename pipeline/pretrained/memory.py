"""Lack of memory, as the libraries of networks report it, and networks on their device."""

from typing import TYPE_CHECKING, TypeVar

from pipeline.base.errors import InputError

if TYPE_CHECKING:
    import torch

    Network = TypeVar("Network", bound=torch.nn.Module)

SIGNS = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")
"""Parts of the messages with which torch, its allocators and the libraries of a GPU say that memory is short."""


def memory_is_short(error: Exception) -> bool:
    """Whether an error says that there is too little memory, of the machine or of the GPU."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(sign in str(error) for sign in SIGNS)
    )


def placed(network: "Network", device: "torch.device", name: str) -> "Network":
    """Move a network to its device, for inference only.

    Args:
        name: name of the model, for the error.

    Raises:
        InputError: the memory of the device is too small.
    """
    try:
        return network.to(device).eval().requires_grad_(False)
    except (MemoryError, RuntimeError) as error:
        if not memory_is_short(error):
            raise
        raise no_room(name, str(error)) from None


def no_room(name: str, reason: str) -> InputError:
    """The error of a network that does not fit into the memory, with what a library said."""
    return InputError(
        f"{name}: expected memory for the weights of this network, found too little of it "
        f"({reason.splitlines()[0] if reason else 'MemoryError'}). End what else uses the memory, choose a smaller "
        "model, or set pretrained.device to cpu in params.yaml."
    )
