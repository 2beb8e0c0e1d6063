"""Argument checks that keep the kernels within their arrays. Every failure is a ValueError that names what it expected.

The checks read indices and face ids. On a GPU this waits for all queued work, so that tensors found valid are
remembered. On a CPU the checks cost next to nothing and are always repeated, because the memory of a tensor can change
without the tensor recording it.
"""

from typing import NamedTuple

import torch
from jaxtyping import Float, Int, Int32
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

MAX_FACES = 2**24
"""Bound on the number of faces. Face ids are stored as float32, which is exact up to this number."""


class _Known(NamedTuple):
    """Result of a check of an index tensor, which holds until the tensor is modified."""

    version: int
    """Version counter of the tensor when it was checked."""
    count: int
    """Number of vertices or faces for which all indices are valid."""
    faces: Int32[Tensor, "F 3"] | None
    """Contiguous int32 copy of the tensor. None where the tensor itself has this form."""


class Accepted:
    """Device and precisions that one rasterizer accepts, and the index tensors that it has found valid."""

    def __init__(self, device: torch.device, *precisions: torch.dtype) -> None:
        self.device = device
        self.precisions = precisions
        self._known = WeakTensorKeyDictionary()

    def know(self, tensor: Tensor, count: int, faces: Int32[Tensor, "F 3"] | None = None) -> None:
        """Remember that the indices in the current version of the tensor are valid for `count` vertices or faces."""
        # Tensors of inference mode do not record modifications.
        if tensor.device.type != "cpu" and not tensor.is_inference():
            # A value that referred to its own key would never be freed.
            self._known[tensor] = _Known(tensor._version, count, None if faces is tensor else faces)

    def known(self, tensor: Tensor, count: int) -> _Known | None:
        found = self._known.get(tensor)
        return found if found is not None and found[:2] == (tensor._version, count) else None


def check_rasterize(
    accepted: Accepted, pos: Float[Tensor, "B V 4"], tri: Int[Tensor, "F 3"], resolution: tuple[int, int]
) -> Int32[Tensor, "F 3"]:
    """Check the arguments of `Rasterizer.rasterize`, and return the faces as contiguous int32."""
    if min(resolution) < 1:
        raise ValueError(f"resolution must be a positive (height, width); found {resolution}.")
    _check_floats(accepted, pos=pos)
    check_shape("pos", pos, (None, None, 4))
    return check_faces(accepted, tri, pos.shape[1])


def check_interpolate(
    accepted: Accepted, attr: Float[Tensor, "A V C"], rast: Float[Tensor, "B H W 4"], tri: Int[Tensor, "F 3"]
) -> Int32[Tensor, "F 3"]:
    """Check the arguments of `Rasterizer.interpolate`, and return the faces as contiguous int32."""
    _check_floats(accepted, attr=attr, rast=rast)
    check_shape("rast", rast, (None, None, None, 4))
    check_shape("attr", attr, (1 if len(attr) == 1 else len(rast), None, None))
    faces = check_faces(accepted, tri, attr.shape[1])
    _check_ids(accepted, rast, faces)
    return faces


def check_antialias(
    accepted: Accepted,
    color: Float[Tensor, "B H W C"],
    rast: Float[Tensor, "B H W 4"],
    pos: Float[Tensor, "B V 4"],
    tri: Int[Tensor, "F 3"],
) -> Int32[Tensor, "F 3"]:
    """Check the arguments of `Rasterizer.antialias` except the topology, and return the faces as contiguous int32."""
    _check_floats(accepted, color=color, rast=rast, pos=pos)
    check_shape("rast", rast, (None, None, None, 4))
    check_shape("color", color, (*rast.shape[:3], None))
    check_shape("pos", pos, (len(rast), None, 4))
    faces = check_faces(accepted, tri, pos.shape[1])
    _check_ids(accepted, rast, faces)
    return faces


def check_faces(accepted: Accepted, tri: Int[Tensor, "F 3"], num_vertices: int) -> Int32[Tensor, "F 3"]:
    """Check the device of `tri` and that its indices are valid vertices, and return it as contiguous int32."""
    check_shape("tri", tri, (None, 3))
    if (known := accepted.known(tri, num_vertices)) is not None:
        return tri if known.faces is None else known.faces
    if tri.device != accepted.device:
        raise ValueError(f"tri must be on {accepted.device}, as the other tensors are; found it on {tri.device}.")
    if len(tri) >= MAX_FACES:
        raise ValueError(f"A mesh may have {MAX_FACES - 1} faces at most; found {len(tri)}.")
    if len(tri):
        low, high = (int(bound) for bound in tri.aminmax())
        if low < 0 or high >= num_vertices:
            raise ValueError(
                f"tri must hold vertex indices from 0 to {num_vertices - 1}; found {low} to {high}. "
                "Does it belong to another mesh?"
            )
    faces = tri.to(torch.int32).contiguous()
    accepted.know(tri, num_vertices, faces)
    return faces


def check_shape(name: str, tensor: Tensor, expected: tuple[int | None, ...]) -> None:
    """Check that a tensor has the expected shape, in which None stands for any size."""
    if tensor.ndim != len(expected) or any(e not in (None, s) for s, e in zip(tensor.shape, expected, strict=True)):
        wanted = ", ".join("any" if size is None else str(size) for size in expected)
        raise ValueError(f"{name} must have the shape ({wanted}); found {tuple(tensor.shape)}.")


def _check_floats(accepted: Accepted, **tensors: Tensor) -> None:
    dtypes = {tensor.dtype for tensor in tensors.values()}
    devices = {tensor.device for tensor in tensors.values()}
    if len(dtypes) > 1 or not dtypes <= set(accepted.precisions) or devices != {accepted.device}:
        wanted = ", or all be ".join(str(precision).removeprefix("torch.") for precision in accepted.precisions)
        found = ", ".join(f"{name} {tensor.dtype} on {tensor.device}" for name, tensor in tensors.items())
        raise ValueError(f"Tensors must all be {wanted}, on {accepted.device}; found {found}.")


def _check_ids(accepted: Accepted, rast: Float[Tensor, "B H W 4"], tri: Int[Tensor, "F 3"]) -> None:
    """Check that `rast` refers only to faces of `tri`."""
    if rast.numel() and accepted.known(rast, len(tri)) is None:
        low, high = (float(bound) for bound in rast[..., 3].detach().aminmax())
        if not (low >= 0 and high <= len(tri)):
            raise ValueError(
                f"rast must hold face ids from 0 to {len(tri)}, as tri has so many faces; found {low:g} to {high:g}. "
                "Was it made with other faces?"
            )
        accepted.know(rast, len(tri))
