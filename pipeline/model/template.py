"""The template of a category: one canonical mesh, from whichever source it comes (SEMAGIC Eq. 1)."""

from typing import NamedTuple, Protocol

from jaxtyping import Float, Int64
from torch import Tensor

from pipeline.geometry.meshes import Representatives


class Template(NamedTuple):
    """The canonical mesh in the object frame, and the code of each of its vertices."""

    vertices: Float[Tensor, "N 3"]
    faces: Int64[Tensor, "F 3"]
    codes: Float[Tensor, "N E"] | None
    """Vertex-index embedding (Eq. 3). None when the model has none or deformation has not begun."""
    centre: Float[Tensor, "3"]
    """Mean of the vertices before they were centred and scaled."""
    radius: Float[Tensor, ""]
    """Root mean square distance of the vertices to `centre`, before they were scaled."""
    representatives: Representatives | None = None
    """One vertex of each mirror pair, so that offsets are computed once for both. None until the template is frozen, or
    if the deformation is not symmetric."""

    def some(self, rows: Int64[Tensor, "M"]) -> "Template":
        """The vertices at `rows` alone, constant and without faces."""
        codes = None if self.codes is None else self.codes.index_select(0, rows)
        vertices, faces = self.vertices.detach().index_select(0, rows), self.faces[:0]
        return self._replace(vertices=vertices, faces=faces, codes=codes, representatives=None)


class NoSurfaceError(RuntimeError):
    """The signed distance has one sign everywhere inside the grid: the template has vanished, or fills the grid."""


class TemplateSource(Protocol):
    """Anything that a model can take its template from; `ChangingTemplate` and `FrozenTemplate` are the two sources."""

    def __call__(self, codes: Float[Tensor, "C E"] | None, jitter: float = 0.0) -> Template:
        """The canonical mesh.

        Args:
            codes: the model's embedding, from which the source derives a code for each vertex; None for a template
                without codes.
            jitter: distance in object units by which a source with a grid moves the grid along each axis.

        Raises:
            NoSurfaceError: the source has no surface.
        """
        ...


def rms(points: Float[Tensor, "N 3"]) -> Float[Tensor, ""]:
    """Root mean square distance of points to the origin."""
    return points.square().sum(-1).mean().sqrt()
