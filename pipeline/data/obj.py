"""Meshes in Wavefront's OBJ form: its vertices and faces; groups, materials, normals and textures are passed over."""

import numpy as np
from jaxtyping import Float

from pipeline.data.mesh import MOST, TooManyError


def parse_obj(content: bytes) -> tuple[Float[np.ndarray, "V 3"], list[list[int]]]:
    """Vertices and polygons of an OBJ file, all its objects together.

    Files that it names, such as materials, are not opened. Negative indices count from the last vertex so far.
    """
    vertices: list[list[float]] = []
    polygons: list[list[int]] = []
    # A backslash continues a line. Names and comments may be in any encoding; all else is ASCII.
    for line in content.decode("latin-1").replace("\r\n", "\n").replace("\\\n", " ").split("\n"):
        match line.split("#", 1)[0].split():
            case ["v", x, y, z, *_]:
                vertices.append([float(x), float(y), float(z)])
            case ["f", *corners]:
                polygons.append([_index(corner, len(vertices)) for corner in corners])
                if len(polygons) > MOST:
                    raise TooManyError
            case ["v", *_]:
                raise ValueError(f"a vertex has fewer than three coordinates: {line[:60]}")
    if not vertices:
        raise ValueError("it has no vertex")
    return np.array(vertices, dtype=np.float64), polygons


def _index(corner: str, count: int) -> int:
    """Position of a vertex among all, from `v`, `v/vt`, `v//vn` or `v/vt/vn`."""
    number = int(corner.split("/", 1)[0])
    if number == 0:
        raise ValueError("a face names the vertex 0; the first is 1")
    return number - 1 if number > 0 else count + number
