"""Triangle meshes in the Object File Format (OFF), the form of PASCAL3D+'s CAD models."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from pipeline.base.errors import InputError
from pipeline.base.files import write_text


class Mesh(NamedTuple):
    """A triangle mesh; PASCAL3D+ models are in the CAD frame, centred, with a bounding box diagonal of about 1."""

    vertices: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "F 3"]
    """Vertex indices from 0."""


def read_off(path: Path) -> Mesh:
    """Read an OFF file as float64 vertices and int32 triangles; larger polygons are split into fans.

    Comments, colours after a face and counts on the line of the keyword are accepted.

    Raises:
        InputError: the file is missing, truncated or not a mesh.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected a CAD model in OFF form, found no file. Restore it from the release.")
    try:
        return _parse(path.read_text(encoding="ascii"))
    except (ValueError, IndexError) as error:
        raise InputError(
            f"{path}: expected a whole OFF mesh, found a damaged one ({error}). Fetch the file again."
        ) from None


def write_off(path: Path, vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]) -> None:
    """Write a mesh; every number has the fewest digits from which its own precision reads it back exactly."""
    lines = ["OFF", f"{len(vertices)} {len(faces)} 0"]
    # Adding zero turns -0 into 0.
    lines += [" ".join(str(x).removesuffix(".0") for x in vertex) for vertex in vertices + 0]
    lines += [f"3 {a} {b} {c}" for a, b, c in faces.tolist()]
    write_text(path, "\n".join(lines) + "\n")


def _parse(text: str) -> Mesh:
    lines = [content.split() for line in text.splitlines() if (content := line.split("#", 1)[0].strip())]
    if not lines or lines[0][0] != "OFF":
        raise ValueError("it does not begin with OFF")
    header = lines[0][1:] or lines[1]
    body = lines[1:] if lines[0][1:] else lines[2:]
    num_vertices, num_faces = int(header[0]), int(header[1])
    if len(body) < num_vertices + num_faces:
        raise ValueError(f"{num_vertices} vertices and {num_faces} faces are announced, {len(body)} lines follow")
    vertices = np.array([[float(x) for x in line[:3]] for line in body[:num_vertices]]).reshape(-1, 3)
    triangles = [
        (polygon[0], polygon[i], polygon[i + 1])
        for line in body[num_vertices : num_vertices + num_faces]
        for polygon in [_polygon(line)]
        for i in range(1, len(polygon) - 1)
    ]
    faces = np.array(triangles, dtype=np.int32).reshape(-1, 3)
    if faces.size and not (0 <= faces.min() and faces.max() < num_vertices):
        raise ValueError(f"a face names a vertex outside 0 to {num_vertices - 1}")
    if not np.isfinite(vertices).all():
        raise ValueError("a vertex is not finite")
    return Mesh(vertices, faces)


def _polygon(line: list[str]) -> list[int]:
    corners = int(line[0])
    polygon = [int(x) for x in line[1 : 1 + corners]]
    if len(polygon) < corners:
        raise ValueError(f"a face of {corners} corners has {len(polygon)}")
    return polygon
