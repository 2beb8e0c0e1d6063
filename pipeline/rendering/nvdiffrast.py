"""CUDA rasterizer: an adapter to the optional package nvdiffrast (Laine et al., ACM TOG 39(6), 2020).

The licence of nvdiffrast allows non-commercial use only, and none of its code is part of this project. It computes in
float32 and sums gradients in an order that varies between runs. Results agree with the CPU rasterizer within rounding.
"""

import importlib

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pipeline.hardware.packages import obstacle
from pipeline.rendering.checks import Accepted, check_antialias, check_faces, check_interpolate, check_rasterize

INSTALL = (
    "pip install setuptools wheel ninja && "
    "pip install --no-build-isolation git+https://github.com/NVlabs/nvdiffrast@v0.4.0 "
    "(its licence allows non-commercial use only; it is compiled with CUDA's nvcc)."
)


def nvdiffrast_obstacle() -> str:
    """Reason why nvdiffrast cannot be used on this machine, with the remedy. Empty if it can be used."""
    return obstacle("nvdiffrast", "nvdiffrast.torch", INSTALL)


class NvdiffrastRasterizer:
    """Implementation of `pipeline.rendering.rasterizer.Rasterizer` for float32 tensors on one GPU.

    A rasterizer holds one context of nvdiffrast, so make one for each GPU and keep it. The topology is an object of
    nvdiffrast, or None for a mesh without faces.
    """

    name = "nvdiffrast"

    def __init__(self, device: torch.device | str = "cuda") -> None:
        self._package = importlib.import_module("nvdiffrast.torch")
        # The name 'cuda' is resolved to a specific GPU, such as 'cuda:0'.
        self._accepted = Accepted(torch.empty(0, device=device).device, torch.float32)
        self._context = self._package.RasterizeCudaContext(device=self._accepted.device)

    def rasterize(
        self, pos: Float[Tensor, "B V 4"], tri: Int[Tensor, "F 3"], resolution: tuple[int, int]
    ) -> Float[Tensor, "B H W 4"]:
        faces = check_rasterize(self._accepted, pos, tri, resolution)
        if not (len(pos) and len(faces)):
            return _zeros((len(pos), *resolution, 4), pos)
        # The second result, image-space derivatives, is unused and needs no gradient.
        rast = self._package.rasterize(self._context, pos.contiguous(), faces, resolution, grad_db=False)[0]
        self._accepted.know(rast, len(faces))
        return rast

    def interpolate(
        self, attr: Float[Tensor, "A V C"], rast: Float[Tensor, "B H W 4"], tri: Int[Tensor, "F 3"]
    ) -> Float[Tensor, "B H W C"]:
        faces = check_interpolate(self._accepted, attr, rast, tri)
        if not (rast.numel() and len(faces) and attr.shape[2]):
            return _zeros((*rast.shape[:3], attr.shape[2]), attr, rast)
        return self._package.interpolate(attr.contiguous(), rast.contiguous(), faces)[0]

    def topology(self, tri: Int[Tensor, "F 3"], num_vertices: int) -> object:
        faces = check_faces(self._accepted, tri, num_vertices)
        return self._package.antialias_construct_topology_hash(faces) if len(faces) else None

    def antialias(
        self,
        color: Float[Tensor, "B H W C"],
        rast: Float[Tensor, "B H W 4"],
        pos: Float[Tensor, "B V 4"],
        tri: Int[Tensor, "F 3"],
        topology: object = None,
    ) -> Float[Tensor, "B H W C"]:
        faces = check_antialias(self._accepted, color, rast, pos, tri)
        if not (color.numel() and len(faces)):
            return color + _zeros(color.shape, pos)
        # Instances are processed one by one: in a batch, nvdiffrast 0.4.0 occasionally adds the gradient of an edge
        # that several instances blend to only one of them.
        instances = zip(*(tensor.contiguous().split(1) for tensor in (color, rast, pos)), strict=True)
        return torch.cat([self._package.antialias(*one, faces, topology_hash=topology) for one in instances])


def _zeros(shape: tuple[int, ...], *sources: Tensor) -> Tensor:
    """Zeros that depend on the sources with gradient zero, like a rendered image without faces."""
    return sources[0].new_zeros(shape) + sum(source[:0].sum() for source in sources)
