"""Triangle meshes in the Object File Format (OFF), the form of PASCAL3D+'s CAD models."""

import re
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from pipeline.base.files import write_text
from pipeline.data.mesh import MOST, Mesh, NotReadError, TooManyError, read_parsed

KEYWORD = re.compile(r"(ST)?C?N?(4?)(n?)OFF")
"""First word of a file: its letters say that texture coordinates, colours or normals follow the coordinates."""


def read_off(path: Path) -> Mesh:
    """Read an OFF file as float64 vertices and int32 triangles, cleaned by `pipeline.data.mesh.clean_mesh`.

    Comments, polygons, counts on the line of the keyword or glued to it, as ModelNet has them, and colours, normals
    and texture coordinates (COFF, NOFF, STOFF and the like), which are passed over, are accepted.

    Raises:
        InputError: the file is missing, damaged or not a mesh, or it is binary or of another dimension.
    """
    return read_parsed(path, parse_off)


def write_off(path: Path, vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"]) -> None:
    """Write a mesh; every number has the fewest digits from which its own precision reads it back exactly."""
    lines = ["OFF", f"{len(vertices)} {len(faces)} 0"]
    # Adding zero turns -0 into 0.
    lines += [" ".join(str(x).removesuffix(".0") for x in vertex) for vertex in vertices + 0]
    lines += [f"3 {a} {b} {c}" for a, b, c in faces.tolist()]
    write_text(path, "\n".join(lines) + "\n")


def parse_off(content: bytes) -> tuple[Float[np.ndarray, "V 3"], list[list[int]]]:
    """Vertices and polygons of an OFF file."""
    # Comments may be in any encoding; all else is ASCII.
    text = content.removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    lines = (line for raw in text.split("\n") if (line := raw.split("#", 1)[0].strip()))
    first = next(lines, "")
    keyword = KEYWORD.match(first)
    if keyword is None:
        raise ValueError("it does not begin with OFF")
    rest = first[keyword.end() :].split()
    if rest[:1] == ["BINARY"]:
        raise NotReadError("the binary form of OFF, which is not read. Convert it to the form in ASCII.")
    if keyword[2] or keyword[3]:
        raise NotReadError(
            f"{keyword[0]}, vertices of another dimension than 3, which are not read. Convert it to OFF."
        )
    counts = [int(x) for x in (rest or next(lines, "").split())[:2]]
    if len(counts) < 2 or min(counts) < 0:
        raise ValueError("it does not state the numbers of vertices and faces")
    if max(counts) > MOST:
        raise TooManyError
    vertices = [[float(x) for x in line.split()[:3]] for line in islice(lines, counts[0])]
    polygons = [_polygon(line.split()) for line in islice(lines, counts[1])]
    if (len(vertices), len(polygons)) != (counts[0], counts[1]):
        raise ValueError(f"{counts[0]} vertices and {counts[1]} faces are announced, fewer lines follow")
    return np.array(vertices, dtype=np.float64).reshape(-1, 3), polygons


def _polygon(words: list[str]) -> list[int]:
    corners = int(words[0])
    polygon = [int(x) for x in words[1 : 1 + corners]]
    if len(polygon) < corners or corners < 1:
        raise ValueError(f"a face of {corners} corners has {len(polygon)}")
    return polygon
