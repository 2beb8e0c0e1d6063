"""A template that changes as it learns: the zero level of a signed distance, by marching tetrahedra."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from pipeline.config.model_params import Model as ModelParams
from pipeline.geometry.marching import marching_tetrahedra, sparse_sdf
from pipeline.geometry.meshes import largest_component, mirror_pairs
from pipeline.geometry.tetgrid import TetGrid, build_tetgrid
from pipeline.hardware.transfers import constant
from pipeline.model.frozen_template import FrozenTemplate
from pipeline.model.signed_distance import SignedDistance
from pipeline.model.template import NoSurfaceError, Template, rms


class ChangingTemplate(nn.Module):
    """A template that is extracted from a signed distance at each call.

    Codes live on the vertices of the grid; a vertex of the template has the codes of the two ends of its grid edge,
    interpolated as its position is. Mirrored vertices share codes if the deformation is symmetric.
    """

    def __init__(self, distance: SignedDistance, params: ModelParams):
        super().__init__()
        self.distance = distance
        self.extent, self.radius = params.grid.scale, params.sdf.radius
        self.symmetric = params.deformation.symmetric
        self.grid = build_tetgrid(params.grid.resolution, params.grid.scale)

    def forward(self, codes: Float[Tensor, "C E"] | None, jitter: float = 0.0) -> Template:
        """The canonical mesh; `jitter` moves the grid by that many object units along each axis.

        Every crop is fitted to its object's box, so that no image says where the template lies or how large it is. To
        keep the silhouettes from shrinking it for ever, the mesh is centred along y and z and scaled to the root mean
        square radius of the initial sphere: v = r (p - c) / rms(p - c). No loss on v has a gradient along its place
        or its size.

        Args:
            codes: a code for each vertex of the grid.

        Raises:
            NoSurfaceError: the signed distance does not change sign inside the grid.
        """
        points = self.grid.vertices + jitter
        surface = marching_tetrahedra(self.grid, points, sparse_sdf(self.grid, points, self.distance))
        if len(surface.faces) == 0:
            raise NoSurfaceError("the template has vanished: the signed distance is positive nowhere inside the grid")
        # The distance is made negative on the border, so that a full grid has a surface there.
        if self.grid.border[surface.edges].any(1).all():
            raise NoSurfaceError("the template fills the grid: the signed distance is positive everywhere inside it")
        # The plane of symmetry stays where it is.
        centre = surface.vertices.mean(0) * constant((0.0, 1.0, 1.0), surface.vertices)
        centred = surface.vertices - centre
        radius = rms(centred)
        on_surface = None if codes is None else self._interpolate(codes, surface.edges, surface.weights)
        return Template(self.radius / radius * centred, surface.faces, on_surface, centre, radius)

    @torch.no_grad()
    def freeze(self) -> FrozenTemplate:
        """The mesh as it is now, without small separate pieces."""
        template = self(None)
        part = largest_component(template.faces, len(template.vertices))
        vertices = template.vertices[part.vertices]
        mirror = mirror_pairs(vertices, tolerance=1e-4 * self.extent)
        mirror = torch.minimum(mirror, torch.arange(len(mirror), device=mirror.device))
        return FrozenTemplate(vertices, part.faces.long(), mirror, self.symmetric)

    def _apply(self, fn, recurse: bool = True):
        """Move the grid, which is neither a parameter nor part of the state, with the module to its device."""
        self.grid = TetGrid(*map(fn, self.grid))
        return super()._apply(fn, recurse)

    def _interpolate(
        self, codes: Float[Tensor, "V E"], edges: Int[Tensor, "N 2"], weights: Float[Tensor, "N"]
    ) -> Float[Tensor, "N E"]:
        if self.symmetric:
            codes = codes[torch.minimum(self.grid.mirror, torch.arange(len(codes), device=codes.device))]
        weights = weights.detach()[:, None]
        return (1 - weights) * codes[edges[:, 0]] + weights * codes[edges[:, 1]]
