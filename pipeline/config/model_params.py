"""The section `model` of `params.yaml`: the networks and the template of a category."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pipeline.config.kinds import Amount, Channels, Count, Share, Size
from pipeline.config.ranges import Above, Below, Between


@dataclass(frozen=True)
class Grid:
    """Body-centred tetrahedral grid that the template is extracted from."""

    resolution: Annotated[int, Between(1, 128)]
    """Number of cells along a side."""
    scale: Size
    """Length of a side [object units]."""


@dataclass(frozen=True)
class Mlp:
    """MLP of coordinates with a positional encoding."""

    layers: Annotated[int, Between(2, 64)]
    """Number of hidden layers."""
    width: Channels
    """Number of channels of a hidden layer."""
    frequencies: Annotated[int, Between(0, 20)]
    """Number of frequencies of the positional encoding."""


@dataclass(frozen=True)
class Sdf(Mlp):
    """MLP of the signed distance."""

    radius: Size
    """Radius of the initial sphere [object units]."""
    symmetric: bool
    """Whether the template is symmetric about the plane x = 0."""


@dataclass(frozen=True)
class Field(Mlp):
    """MLP of the semantic feature field g (Eq. 6)."""

    symmetric: bool
    """Whether the field is evaluated at (|x|, y, z)."""


@dataclass(frozen=True)
class Texture(Mlp):
    """MLP of the albedo, evaluated on template coordinates."""

    symmetric: bool
    """Whether the albedo is symmetric about the plane x = 0."""


@dataclass(frozen=True)
class Deformation(Mlp):
    """MLP of the deformation f (Eq. 2)."""

    scale: Amount
    """Offset for an output of 1 [object units]."""
    symmetric: bool
    """Whether the offsets are mirrored at the plane x = 0."""
    identity: Literal["frozen", "grid"]
    """How a vertex keeps its identity: frozen or grid.

    With `frozen` the topology is frozen when deformation begins, and each vertex has a code. With `grid` the template
    goes on changing, and the codes live on the vertices of the grid.
    """
    index_embedding: bool
    """Whether the offsets depend on the vertex-index embedding (Eq. 3)."""
    code_dims: Channels
    """Number of dimensions of a vertex's code."""
    code_std: Amount
    """Standard deviation of the initial values of the codes."""


@dataclass(frozen=True)
class Encoder:
    """Encoders from patch tokens to the global image feature and to the pose."""

    width: Channels
    """Number of channels of a hidden layer."""
    dims: Annotated[int, Between(2, 8192)]
    """Number of dimensions of the global image feature."""


@dataclass(frozen=True)
class Hypotheses:
    """Viewpoint hypotheses of runs without pose supervision (MagicPony).

    No label tells such runs which way is up or where the front is: they have bounds of their own, and begin with an
    ellipsoid in place of the sphere. Runs with pose supervision have one hypothesis.
    """

    count: Literal[1, 4]
    """Number of hypotheses: 1 or 4."""
    max_elevation: Annotated[float, Between(0, 90)]
    """Largest elevation of a hypothesis [degrees]."""
    max_theta: Annotated[float, Between(0, 180)]
    """Largest in-plane rotation of a hypothesis [degrees]."""
    elongation: Size
    """Length of the initial ellipsoid [widths of the ellipsoid]."""


@dataclass(frozen=True)
class Pose:
    """Camera and pose head.

    The posed template is fitted to the object's box, and the head corrects the fit. The field of view and the distance
    decide together how large an object unit is in the crop.
    """

    keypoints: Channels
    """Number of soft keypoints whose arrangement the head reads."""
    pool: Count
    """Side of the squares that are averaged before keypoints are looked for [tokens]."""
    fov: Annotated[float, Above(0), Below(180)]
    """Vertical field of view of the camera [degrees]."""
    distance: Size
    """Distance of the camera from the object's centre [object units].

    The projection is as nearly parallel as PASCAL3D+'s, whose focal length is 3000 pixels.
    """
    max_elevation: Annotated[float, Between(0, 90)]
    """Largest elevation that the head can express [degrees]."""
    max_theta: Annotated[float, Between(0, 180)]
    """Largest in-plane rotation that the head can express [degrees]."""
    max_offset: Share
    """Largest shift by which the head corrects the fit [half sides of the crop]."""
    max_zoom: Annotated[float, Between(1, 10)]
    """Largest zoom factor by which the head corrects the fit."""
    hypotheses: Hypotheses


@dataclass(frozen=True)
class Model:
    """The deformable model (SEMAGIC 3.1-3.2); the crop shows about 4.4 object units at zoom 1."""

    grid: Grid
    sdf: Sdf
    field: Field
    deformation: Deformation
    texture: Texture
    encoder: Encoder
    pose: Pose
