"""Interface of the rasterizer backends, and the registry that makes a backend by name.

Pixel (column c, row r) of a W x H image is sampled at its centre, in normalised device coordinates
x = (2c + 1) / W - 1, y = (2r + 1) / H - 1: **row 0 is y = -1**. `cameras.clip_matrix` points the clip y axis down,
so that row 0 is the top of an image. A face is visible from both sides, between the planes -1 <= z/w <= 1. Smaller
z/w is nearer.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from pipeline.base.errors import InputError, nearest
from pipeline.rendering.cpu import CpuRasterizer
from pipeline.rendering.nvdiffrast import NvdiffrastRasterizer, nvdiffrast_obstacle


@runtime_checkable
class Rasterizer(Protocol):
    """Differentiable rasterizer of triangle meshes that share their faces over the batch.

    All tensors of a call lie on the backend's device, and all its float tensors have the same dtype. Inconsistent
    arguments raise a ValueError.
    """

    name: str

    def rasterize(
        self, pos: Float[Tensor, "B V 4"], tri: Int[Tensor, "F 3"], resolution: tuple[int, int]
    ) -> Float[Tensor, "B H W 4"]:
        """Find the nearest face at every pixel centre, as (u, v, z/w, id + 1). All four are zero where there is none.

        `pos` holds clip coordinates (x, y, z, w) and `resolution` is (H, W). u and v are the perspective-correct
        barycentric weights of vertices 0 and 1 of the face `id`. Gradients flow from u and v to x, y and w only.
        A loss on depth therefore needs depth interpolated as an attribute.
        """
        ...

    def interpolate(
        self, attr: Float[Tensor, "A V C"], rast: Float[Tensor, "B H W 4"], tri: Int[Tensor, "F 3"]
    ) -> Float[Tensor, "B H W C"]:
        """Interpolate vertex attributes at the pixels: u A0 + v A1 + (1 - u - v) A2, and zero where there is no face.

        The first size A of `attr` is B, or 1 for attributes that the batch shares. Gradients flow to `attr` and to u
        and v.
        """
        ...

    def topology(self, tri: Int[Tensor, "F 3"], num_vertices: int) -> object:
        """Compute the face adjacency for `antialias`: an opaque object, valid as long as `tri` does not change."""
        ...

    def antialias(
        self,
        color: Float[Tensor, "B H W C"],
        rast: Float[Tensor, "B H W 4"],
        pos: Float[Tensor, "B V 4"],
        tri: Int[Tensor, "F 3"],
        topology: object = None,
    ) -> Float[Tensor, "B H W C"]:
        """Blend the colours across silhouettes, in proportion to the part of the pixel that the silhouette cuts off.

        `rast` must stem from the same `pos` and `tri`. Gradients flow to `color` and, through the position of the
        silhouettes, to x, y and w of `pos`. A silhouette affects colours within one pixel only. Adjacent faces must
        share vertex indices: an edge between faces with merely equal vertex positions counts as a silhouette.
        """
        ...


class Backend(NamedTuple):
    """Registry entry of a kind of rasterizer."""

    devices: tuple[str, ...]
    """Types of torch devices that the backend supports."""
    make: Callable[[torch.device], Rasterizer]
    """Function that makes a rasterizer for a device."""
    obstacle: Callable[[], str]
    """Function that returns why the backend cannot be used on this machine, with the remedy. Empty if it can."""


BACKENDS = {
    "cpu": Backend(("cpu",), lambda device: CpuRasterizer(), lambda: ""),
    "nvdiffrast": Backend(("cuda",), NvdiffrastRasterizer, nvdiffrast_obstacle),
}
"""Rasterizer backends by name. The name 'auto' selects the first one that works on the device."""


def make_rasterizer(name: str = "auto", device: torch.device | str = "cpu") -> Rasterizer:
    """Make a rasterizer for tensors on `device`. It may hold a context of the device, so make one and keep it.

    Raises:
        InputError: the name is unknown, no backend supports the device, or the package that the backend needs cannot
            be used.
    """
    device = torch.device(device)
    if name not in ("auto", *BACKENDS):
        raise InputError(f"Unknown rasterizer '{name}'. {nearest(name, ('auto', *BACKENDS))}")
    fitting = {key: backend for key, backend in BACKENDS.items() if device.type in backend.devices}
    if name != "auto" and name not in fitting:
        raise InputError(
            f"Rasterizer '{name}' works on device {', '.join(BACKENDS[name].devices)}, not on '{device.type}'. "
            "Move the tensors there, or choose 'auto'."
        )
    if not fitting:
        supported = sorted({kind for backend in BACKENDS.values() for kind in backend.devices})
        raise InputError(
            f"No rasterizer works on device '{device.type}'. Use one of these devices: {', '.join(supported)}."
        )
    chosen = [backend for key, backend in fitting.items() if name in ("auto", key)]
    obstacles = [backend.obstacle() for backend in chosen]
    for backend, obstacle in zip(chosen, obstacles, strict=True):
        if not obstacle:
            return backend.make(device)
    raise InputError(
        f"No rasterizer works on device '{device.type}' here. {' '.join(obstacles)} The device 'cpu' needs no package."
    )
