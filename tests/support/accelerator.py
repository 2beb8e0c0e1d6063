"""An accelerator for tests that have none: tensors on the device 'meta', which torch treats as one without memory.

Each holds a tensor of the CPU with its values. An operation on tensors of both devices is an error, as on a GPU, except
for single numbers; so is reading values without a copy to the CPU. Tensors made on 'meta' have values too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

from pipeline.rendering.cpu import CpuRasterizer

DEVICE = torch.device("meta")


class OnAccelerator(Tensor):
    """A tensor whose values, `held`, only operations on the accelerator may read."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> "OnAccelerator":
        tensor = Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=DEVICE,
        )
        tensor.held = held
        return tensor

    def __reduce_ex__(self, protocol):
        """A file holds the values, to be read on the CPU."""
        return self.held.__reduce_ex__(protocol)

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None):
        return _run(operation, args, kwargs or {})


class RasterizerThere:
    """The CPU's rasterizer for tensors on the accelerator."""

    name = "there"

    def __init__(self):
        self.cpu = CpuRasterizer()

    def rasterize(self, pos, tri, resolution):
        return self.cpu.rasterize(pos.cpu(), tri.cpu(), resolution).to(DEVICE)

    def interpolate(self, attr, rast, tri):
        return self.cpu.interpolate(attr.cpu(), rast.cpu(), tri.cpu()).to(DEVICE)

    def topology(self, tri, num_vertices):
        return self.cpu.topology(tri.cpu(), num_vertices)

    def antialias(self, color, rast, pos, tri, topology=None):
        return self.cpu.antialias(color.cpu(), rast.cpu(), pos.cpu(), tri.cpu(), topology).to(DEVICE)


class _Operations(TorchDispatchMode):
    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        return _run(operation, args, kwargs or {})


class _Literals(TorchFunctionMode):
    """torch.tensor makes tensors on 'meta' without telling any mode of operations."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if function is torch.tensor:
            device = kwargs.pop("device", None)
            return torch.tensor(*args, **kwargs).to(device)
        if function is Tensor.new_tensor:
            return torch.tensor(args[1], dtype=args[0].dtype).to(args[0].device)
        return function(*args, **kwargs)


@contextmanager
def accelerator() -> Iterator[None]:
    """While it is active, what is made on or sent to 'meta' is an `OnAccelerator`."""
    with _Literals(), _Operations():
        yield


def _run(operation: Any, args: tuple, kwargs: dict[str, Any]) -> Any:
    name = operation.name().split("::")[-1].split(".")[0]
    tensors = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, Tensor)]
    there = any(isinstance(tensor, OnAccelerator) for tensor in tensors)
    moved = name in ("_to_copy", "copy_")
    if there and not moved:
        strangers = [t for t in tensors if not isinstance(t, OnAccelerator) and t.ndim > 0]
        assert not strangers, f"{operation} mixes devices: {[tuple(t.shape) for t in strangers]} are on the CPU"
    wanted = kwargs.get("device")
    if wanted is not None:
        there = torch.device(wanted).type == DEVICE.type
        kwargs = {**kwargs, "device": torch.device("cpu")}
    elif name == "copy_":
        there = isinstance(args[0], OnAccelerator)
    known = {id(tensor.held): tensor for tensor in tensors if isinstance(tensor, OnAccelerator)}
    args, kwargs = tree_map(_values, (args, kwargs))
    result = operation(*args, **kwargs)
    return tree_map(lambda value: _wrapped(value, known, there), result)


def _values(value: Any) -> Any:
    return value.held if isinstance(value, OnAccelerator) else value


def _wrapped(value: Any, known: dict[int, OnAccelerator], there: bool) -> Any:
    """What an operation in place returns is the tensor that it was given."""
    if not isinstance(value, Tensor) or not there:
        return value
    if value._is_zerotensor():
        # Autograd's zeros without memory, which operations on what is held would read.
        value = torch.zeros(value.shape, dtype=value.dtype)
    return known[id(value)] if id(value) in known else OnAccelerator(value)
