"""Other differentiable rasterizers on the scenes of the benchmark, with a common interface.

None of them is a dependency of the project. `pip install deodr trimesh` installs the one for the CPU.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmarks.rasterizer import forward_and_both
from benchmarks.scene import Scene
from benchmarks.soft_rasterizer import soft_render


class Actions(NamedTuple):
    """Actions of a renderer on its scene. The loss is mean(image^2), as in `benchmarks.rasterizer.forward_and_both`."""

    forward: Callable[[], object]
    both: Callable[[], object]
    silhouette: Callable[[], Tensor]
    """Function that renders the coverage [B, S, S] in [0, 1]."""


def soft(scene: Scene, size: int) -> Actions:
    return differentiable(lambda scene: soft_render(*scene, size), scene)


def differentiable(draw: Callable[[Scene], Tensor], scene: Scene) -> Actions:
    """Make the actions of a renderer that autograd differentiates."""

    def silhouette() -> Tensor:
        with torch.no_grad():
            return draw(scene)[..., -1].cpu()

    return Actions(*forward_and_both(draw, scene), silhouette)


def dib_renderer(scene: Scene, size: int) -> Actions:
    """Make the actions of kaolin's DIB-R (Chen et al. 2019) on a GPU. Its y axis points up, and nearer z is larger.

    Raises:
        ImportError: kaolin is not installed.
    """
    rasterization = import_module("kaolin.render.mesh").dibr_rasterization

    def draw(scene: Scene) -> Tensor:
        corners = scene.pos[:, scene.tri.long()]
        depth = corners[..., 3].neg()
        xy = corners[..., :2] / corners[..., 3:] * corners.new_tensor([1.0, -1.0])
        features = scene.attributes[:, scene.tri.long()]
        # Faces are visible from both sides.
        image, soft_mask, _ = rasterization(size, size, depth, xy, features, torch.ones_like(depth[..., 0]))
        return torch.cat([image, soft_mask[..., None]], -1)

    return differentiable(draw, scene)


def deodr(scene: Scene, size: int) -> Actions:
    """Make the actions of DEODR (de La Gorce et al. 2011), which renders single images without perspective correction.

    Raises:
        ImportError: deodr, or trimesh that it needs, is not installed.
    """
    library = import_module("deodr")
    faces = scene.tri.numpy().astype(np.uint32)
    pos = scene.pos.double().numpy()
    mesh = library.TriMesh(faces, np.zeros((pos.shape[1], 3)), clockwise=True)
    # An additional channel of ones renders the silhouette.
    attributes = [np.pad(values, ((0, 0), (0, 1)), constant_values=1.0) for values in scene.attributes.double().numpy()]

    def scenes() -> list[Any]:
        return [_scene(library, mesh, points, values, size) for points, values in zip(pos, attributes, strict=True)]

    def draw() -> list[np.ndarray]:
        return [prepared.render(sigma=1)[0] for prepared in scenes()]

    def both() -> None:
        count = len(pos) * size**2 * attributes[0].shape[1]
        for prepared in scenes():
            image, _ = prepared.render(sigma=1)
            prepared.render_backward(2 * image / count)

    return Actions(draw, both, lambda: torch.from_numpy(np.stack(draw())[..., -1]))


def _scene(library: Any, mesh: Any, points: np.ndarray, values: np.ndarray, size: int) -> Any:
    """Make DEODR's scene of one image. Its pixel centres have integer coordinates."""
    pixels = (points[:, :2] / points[:, 3:] + 1) * size / 2 - 0.5
    faces, channels = len(mesh.faces), values.shape[1]
    return library.Scene2D(
        faces=mesh.faces,
        faces_uv=np.zeros((faces, 3), np.uint32),
        ij=pixels,
        depths=points[:, 3].copy(),
        textured=np.zeros(faces, bool),
        uv=np.zeros((1, 2)),
        shade=np.zeros(len(points)),
        colors=values,
        shaded=np.zeros(faces, bool),
        edgeflags=mesh.edge_on_silhouette(pixels),
        height=size,
        width=size,
        nb_colors=channels,
        texture=np.zeros((0, 0)),
        background_color=np.zeros(channels),
        clockwise=True,
        backface_culling=True,
    )
