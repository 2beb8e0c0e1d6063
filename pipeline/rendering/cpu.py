"""CPU rasterizer: multithreaded numba kernels with analytic gradients, in float32 and float64.

Results and gradients are bit-identical for any number of threads.
"""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from pipeline.rendering.checks import (
    Accepted,
    check_antialias,
    check_faces,
    check_interpolate,
    check_rasterize,
    check_shape,
)
from pipeline.rendering.kernels.antialias import antialias_backward, antialias_forward
from pipeline.rendering.kernels.interpolate import interpolate_backward, interpolate_rows
from pipeline.rendering.kernels.raster import rasterize_backward, rasterize_rows
from pipeline.rendering.kernels.topology import opposite_vertices
from pipeline.rendering.threads import run

ACCEPTED = Accepted(torch.device("cpu"), torch.float32, torch.float64)

AREA_MARGIN = {torch.float32: 1e-6, torch.float64: 1e-18}
"""Term added to the area of a face (clip units, times w squared), so that the gradients of slivers stay finite."""

SPAN_MARGIN = {torch.float32: 1e-3, torch.float64: 1e-12}
"""Term added to the extent of a silhouette edge in pixels, so that the gradients of short edges stay finite."""


class CpuRasterizer:
    """Implementation of `pipeline.rendering.rasterizer.Rasterizer` on the CPU.

    The topology is an int32 tensor [F,3] that holds the vertex opposite each edge in the adjacent face, or -1.

    Args:
        threads: number of threads; by default that of PyTorch.
    """

    name = "cpu"

    def __init__(self, threads: int | None = None) -> None:
        self.threads = torch.get_num_threads() if threads is None else threads

    def rasterize(
        self, pos: Float[Tensor, "B V 4"], tri: Int[Tensor, "F 3"], resolution: tuple[int, int]
    ) -> Float[Tensor, "B H W 4"]:
        faces = check_rasterize(ACCEPTED, pos, tri, resolution)
        return _Rasterize.apply(pos, faces, resolution, self.threads)

    def interpolate(
        self, attr: Float[Tensor, "A V C"], rast: Float[Tensor, "B H W 4"], tri: Int[Tensor, "F 3"]
    ) -> Float[Tensor, "B H W C"]:
        faces = check_interpolate(ACCEPTED, attr, rast, tri)
        return _Interpolate.apply(attr, rast, faces, self.threads)

    def topology(self, tri: Int[Tensor, "F 3"], num_vertices: int) -> Int[Tensor, "F 3"]:
        return torch.from_numpy(opposite_vertices(check_faces(ACCEPTED, tri, num_vertices).numpy(), num_vertices))

    def antialias(
        self,
        color: Float[Tensor, "B H W C"],
        rast: Float[Tensor, "B H W 4"],
        pos: Float[Tensor, "B V 4"],
        tri: Int[Tensor, "F 3"],
        topology: object = None,
    ) -> Float[Tensor, "B H W C"]:
        faces = check_antialias(ACCEPTED, color, rast, pos, tri)
        opposite = self.topology(tri, pos.shape[1]) if topology is None else topology
        if not isinstance(opposite, Tensor):
            raise ValueError(f"topology must be what `topology` computed; found an object of {type(opposite)}.")
        check_shape("topology", opposite, (len(tri), 3))
        return _Antialias.apply(color, rast, pos, faces, opposite, self.threads)


class _Rasterize(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pos: Tensor, tri: Tensor, resolution: tuple[int, int], threads: int) -> Tensor:
        rast = pos.new_empty((len(pos), *resolution, 4))
        run(rasterize_rows, len(pos) * resolution[0], threads, _positions(pos), _array(tri), _array(rast))
        ctx.save_for_backward(pos, tri, rast)
        ctx.threads = threads
        return rast

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_rast: Tensor) -> tuple[Tensor | None, ...]:
        pos, tri, rast = ctx.saved_tensors
        grad_pos = np.zeros(pos.shape)
        inputs = _positions(pos), _array(tri), _array(rast), _array(grad_rast)
        run(rasterize_backward, len(pos), ctx.threads, *inputs, AREA_MARGIN[pos.dtype], grad_pos)
        return torch.from_numpy(grad_pos).to(pos.dtype), None, None, None


class _Interpolate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, attr: Tensor, rast: Tensor, tri: Tensor, threads: int) -> Tensor:
        batch, height, width, _ = rast.shape
        out = rast.new_empty((batch, height, width, attr.shape[2]))
        run(interpolate_rows, batch * height, threads, _array(attr), _array(rast), _array(tri), _array(out))
        ctx.save_for_backward(attr, rast, tri)
        ctx.threads = threads
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor | None, ...]:
        attr, rast, tri = ctx.saved_tensors
        # One buffer for each instance, so that instances can be summed in a fixed order afterwards.
        grad_attr = attr.new_zeros((len(rast), *attr.shape[1:]))
        grad_rast = torch.zeros_like(rast, memory_format=torch.contiguous_format)
        inputs = _array(attr), _array(rast), _array(tri), _array(grad_out)
        run(interpolate_backward, len(rast), ctx.threads, *inputs, _array(grad_attr), _array(grad_rast))
        if len(attr) == 1:
            grad_attr = grad_attr.sum(0, keepdim=True)
        return grad_attr, grad_rast, None, None


class _Antialias(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, color: Tensor, rast: Tensor, pos: Tensor, tri: Tensor, opposite: Tensor, threads: int
    ) -> Tensor:
        out = color.clone(memory_format=torch.contiguous_format)
        inputs = _array(color), _array(rast), _positions(pos), _array(tri), _array(opposite)
        run(antialias_forward, len(color), threads, *inputs, _array(out))
        ctx.save_for_backward(color, rast, pos, tri, opposite)
        ctx.threads = threads
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor | None, ...]:
        color, rast, pos, tri, opposite = ctx.saved_tensors
        grad_color = grad_out.clone(memory_format=torch.contiguous_format)
        grad_pos = np.zeros(pos.shape)
        inputs = _array(color), _array(rast), _positions(pos), _array(tri), _array(opposite), _array(grad_out)
        outputs = SPAN_MARGIN[pos.dtype], _array(grad_color), grad_pos
        run(antialias_backward, len(color), ctx.threads, *inputs, *outputs)
        return grad_color, None, torch.from_numpy(grad_pos).to(pos.dtype), None, None, None


def _array(tensor: Tensor) -> np.ndarray:
    """View of the memory of a contiguous tensor, such as a result of the kernels. Other tensors are copied."""
    return tensor.detach().contiguous().numpy()


def _positions(pos: Tensor) -> np.ndarray:
    return _array(pos.detach().to(torch.float64))
