"""Triangle meshes as consumers may rely on them, whatever a file holds."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from pipeline.base.errors import InputError
from pipeline.data.polygons import Polygons, triangles

LARGEST = 1 << 24
"""Bytes of the largest file of a CAD model that is read: 16 MiB."""
MOST = 1 << 20
"""Vertices, and faces, that a model may have."""
FARTHEST = 1e9
"""Largest coordinate, so that areas and volumes are finite numbers."""


class Mesh(NamedTuple):
    """A triangle mesh; PASCAL3D+ models are in the CAD frame, centred, with a bounding box diagonal of about 1."""

    vertices: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "F 3"]
    """Vertex indices from 0."""


class NotReadError(ValueError):
    """A file is whole, but of a form that is not read. The message says which one, and what to do."""


class TooManyError(NotReadError):
    """A model has more vertices or faces than `MOST`."""

    def __init__(self) -> None:
        super().__init__(f"more than {MOST} vertices or faces. Convert the model to a simpler mesh.")


Parser = Callable[[bytes], tuple[Float[np.ndarray, "V 3"], Polygons]]
"""Function of a file's content to its vertices (float64) and its polygons, each of three or more vertex indices."""


def read_parsed(path: Path, parse: Parser) -> Mesh:
    """Read a file of a CAD model as `clean_mesh` returns it.

    Args:
        parse: raises NotReadError for a form that is not read, and any other error for damage.

    Raises:
        InputError: the file is missing, too large, damaged, or of a form that is not read.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected a CAD model, found no file. Restore it from the release.")
    if path.stat().st_size > LARGEST:
        raise InputError(f"{path}: expected at most {LARGEST} bytes, found more. Convert the model to a simpler mesh.")
    content = path.read_bytes()
    try:
        return clean_mesh(*parse(content))
    except NotReadError as error:
        raise InputError(f"{path}: expected a mesh of a form that is read, found {error}") from None
    except Exception as error:
        # Damaged bytes lead a parser to any error.
        reason = f"{type(error).__name__}: {error}"[:300]
        raise InputError(
            f"{path}: expected a whole mesh, found {len(content)} damaged bytes ({reason}). Fetch the file again."
        ) from None


def clean_mesh(vertices: Float[np.ndarray, "V 3"], polygons: Polygons) -> Mesh:
    """Make a mesh of triangles that all have an area, with the vertices that they use.

    Polygons are split by `pipeline.data.polygons.triangles`. Faces without area and vertices without a face are left
    out; what is left keeps its order.

    Args:
        vertices: at most `FARTHEST` from the origin on each axis.

    Raises:
        ValueError: a vertex is not finite or too far, or a polygon names a vertex that does not exist.
    """
    vertices = np.asarray(vertices, dtype=np.float64)
    if not (np.abs(vertices) <= FARTHEST).all():
        raise ValueError(f"a vertex is not finite, or farther than {FARTHEST:g} from the origin")
    faces = triangles(vertices, polygons)
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    faces = faces[np.cross(b - a, c - a).any(axis=1)]
    used = np.unique(faces)
    position = np.zeros(len(vertices), dtype=np.int32)
    position[used] = np.arange(len(used))
    return Mesh(vertices[used], position[faces])
