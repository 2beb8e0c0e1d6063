"""The rasterizer interface, behind which the backends stand, and the registry that makes one by name.

Pixel (column c, row r) of a W x H image is sampled at its centre, in normalised device coordinates
x = (2c + 1) / W - 1, y = (2r + 1) / H - 1: **row 0 is y = -1**. `cameras.to_clip` points the clip y axis down, so
that row 0 is the top of the images here. A face is visible from both sides and between the planes -1 <= z/w <= 1;
smaller z/w is nearer.
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
    """Differentiable rasterization of triangle meshes that share their faces over the batch.

    All tensors of a call lie on the backend's device, and its float tensors have one dtype. Arguments that do not fit
    together raise a ValueError.
    """

    name: str

    def rasterize(
        self, pos: Float[Tensor, "B V 4"], tri: Int[Tensor, "F 3"], resolution: tuple[int, int]
    ) -> Float[Tensor, "B H W 4"]:
        """The nearest face at every pixel centre: (u, v, z/w, id + 1), all zero where there is none.

        `pos` holds clip coordinates (x, y, z, w) and `resolution` is (H, W). u and v are the perspective-correct
        barycentric weights of vertex 0 and 1 of the face `id`. Gradients flow from u and v to x, y and w only:
        a loss on depth needs depth interpolated as an attribute.
        """
        ...

    def interpolate(
        self, attr: Float[Tensor, "A V C"], rast: Float[Tensor, "B H W 4"], tri: Int[Tensor, "F 3"]
    ) -> Float[Tensor, "B H W C"]:
        """Vertex attributes at the pixels, u A0 + v A1 + (1 - u - v) A2, and zero where there is no face.

        A is B, or 1 for attributes that the batch shares. Gradients flow to `attr` and to u and v.
        """
        ...

    def topology(self, tri: Int[Tensor, "F 3"], num_vertices: int) -> object:
        """What `antialias` needs to know of the mesh; opaque, valid as long as `tri` does not change."""
        ...

    def antialias(
        self,
        color: Float[Tensor, "B H W C"],
        rast: Float[Tensor, "B H W 4"],
        pos: Float[Tensor, "B V 4"],
        tri: Int[Tensor, "F 3"],
        topology: object = None,
    ) -> Float[Tensor, "B H W C"]:
        """Blend the colours across silhouettes by the share of the pixel that the silhouette cuts off.

        `rast` must stem from the same `pos` and `tri`. Gradients flow to `color` and, through the position of the
        silhouettes, to x, y and w of `pos`; a silhouette moves colours within one pixel. Vertices must be shared:
        an edge between faces that only have equal vertices counts as a silhouette.
        """
        ...


class Backend(NamedTuple):
    """How a rasterizer is made, and where."""

    devices: tuple[str, ...]
    """Types of torch devices that it works on."""
    make: Callable[[torch.device], Rasterizer]
    obstacle: Callable[[], str]
    """Why it cannot be made here and how to mend that; empty if it can."""


BACKENDS = {
    "cpu": Backend(("cpu",), lambda device: CpuRasterizer(), lambda: ""),
    "nvdiffrast": Backend(("cuda",), NvdiffrastRasterizer, nvdiffrast_obstacle),
}
"""The rasterizers by name; 'auto' takes the first that works on the device."""


def make_rasterizer(name: str = "auto", device: torch.device | str = "cpu") -> Rasterizer:
    """A rasterizer for tensors on `device`. It holds what the device needs for it, so make one and keep it.

    Raises:
        InputError: there is no backend of this name, none for the device, or the package that it needs is missing.
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
