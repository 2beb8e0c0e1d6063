"""Checks that keep the kernels within their arrays; every failure is a ValueError that says what was expected."""

import torch
from jaxtyping import Float, Int, Int32
from torch import Tensor

MAX_FACES = 2**24
"""Face ids are stored as float32, which is exact up to here."""


def check_floats(**tensors: Tensor) -> None:
    """All tensors have one dtype, float32 or float64, and lie on the CPU."""
    dtypes = {tensor.dtype for tensor in tensors.values()}
    devices = {tensor.device.type for tensor in tensors.values()}
    if len(dtypes) > 1 or not dtypes <= {torch.float32, torch.float64} or devices != {"cpu"}:
        found = ", ".join(f"{name} {tensor.dtype} on {tensor.device}" for name, tensor in tensors.items())
        raise ValueError(f"Tensors must all be float32, or all be float64, on the CPU; found {found}.")


def check_shape(name: str, tensor: Tensor, expected: tuple[int | None, ...]) -> None:
    """The tensor has the expected shape, where None stands for any size."""
    if tensor.ndim != len(expected) or any(e not in (None, s) for s, e in zip(tensor.shape, expected, strict=True)):
        wanted = ", ".join("any" if size is None else str(size) for size in expected)
        raise ValueError(f"{name} must have the shape ({wanted}); found {tuple(tensor.shape)}.")


def check_faces(tri: Int[Tensor, "F 3"], num_vertices: int) -> Int32[Tensor, "F 3"]:
    """Return `tri` as contiguous int32 after checking that its indices are vertices."""
    check_shape("tri", tri, (None, 3))
    if len(tri) >= MAX_FACES:
        raise ValueError(f"A mesh may have {MAX_FACES - 1} faces at most; found {len(tri)}.")
    if len(tri):
        low, high = (int(bound) for bound in tri.aminmax())
        if low < 0 or high >= num_vertices:
            raise ValueError(
                f"tri must hold vertex indices from 0 to {num_vertices - 1}; found {low} to {high}. "
                "Does it belong to another mesh?"
            )
    return tri.to(torch.int32).contiguous()


def check_ids(rast: Float[Tensor, "B H W 4"], tri: Int[Tensor, "F 3"]) -> None:
    """`rast` refers to faces of `tri` only."""
    if rast.numel():
        low, high = (float(bound) for bound in rast[..., 3].detach().aminmax())
        if not (low >= 0 and high <= len(tri)):
            raise ValueError(
                f"rast must hold face ids from 0 to {len(tri)}, as tri has so many faces; found {low:g} to {high:g}. "
                "Was it made with other faces?"
            )
