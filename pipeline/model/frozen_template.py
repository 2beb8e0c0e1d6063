"""A template that changes no more: a constant mesh, each vertex of which can have a code of its own."""

from jaxtyping import Float, Int64
from torch import Tensor, nn

from pipeline.geometry.meshes import Representatives, representatives
from pipeline.model.template import Template, rms


class FrozenTemplate(nn.Module):
    """A constant mesh.

    Args:
        vertices: positions in the object frame.
        mirror: index of one vertex of each mirror pair, for both; a vertex without a partner has its own.
        symmetric: whether mirrored vertices share their code and have mirrored offsets.
    """

    vertices: Float[Tensor, "N 3"]
    faces: Int64[Tensor, "F 3"]
    mirror: Int64[Tensor, "N"]
    rows: Int64[Tensor, "H"]
    index: Int64[Tensor, "N"]
    share: Float[Tensor, "H"]

    def __init__(
        self,
        vertices: Float[Tensor, "N 3"],
        faces: Int64[Tensor, "F 3"],
        mirror: Int64[Tensor, "N"],
        symmetric: bool,
    ):
        super().__init__()
        self.symmetric = symmetric
        self.register_buffer("vertices", vertices)
        self.register_buffer("faces", faces)
        self.register_buffer("mirror", mirror)
        # Derived from the others, so no part of the state.
        for name, value in representatives(vertices, mirror)._asdict().items():
            self.register_buffer(name, value, persistent=False)

    def forward(self, codes: Float[Tensor, "N E"] | None, jitter: float = 0.0) -> Template:
        """The canonical mesh with a code for each vertex; there is no grid to be jittered."""
        half = None
        if self.symmetric:
            half = Representatives(self.rows, self.index, self.share)
            codes = None if codes is None else codes[self.mirror]
        return Template(self.vertices, self.faces, codes, self.vertices.mean(0), rms(self.vertices), half)
