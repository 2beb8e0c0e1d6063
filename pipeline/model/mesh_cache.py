"""A cache of everything that follows from the faces of a mesh alone, valid as long as the faces stay the same."""

import torch
from jaxtyping import Int
from torch import Tensor

from pipeline.geometry.meshes import Graph, mesh_graph
from pipeline.model.template import Template
from pipeline.rendering.rasterizer import Rasterizer


class MeshCache:
    """Silhouette topology and neighbours of the last faces seen; a frozen template computes them once.

    Attributes:
        vertices: number of vertices of the last template seen.
        topology: what the rasterizer's antialiasing needs to know of its faces.
    """

    def __init__(self, rasterizer: Rasterizer):
        self.vertices = 0
        self.topology: object = None
        self._rasterizer = rasterizer
        self._faces: Int[Tensor, "F 3"] = torch.zeros(0, 3, dtype=torch.int64)
        self._graph: Graph | None = None

    def see(self, template: Template) -> None:
        """Make `template` the one that the cache is about."""
        self.vertices = len(template.vertices)
        if self._faces is not template.faces:
            self._faces, self._graph = template.faces, None
            self.topology = self._rasterizer.topology(template.faces, self.vertices)

    @property
    def graph(self) -> Graph:
        """The neighbours of each vertex. They are found when first asked for: only deformed templates need them."""
        if self._graph is None:
            self._graph = mesh_graph(self._faces, self.vertices)
        return self._graph
