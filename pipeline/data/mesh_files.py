"""Files of CAD models in every form that is read, chosen by the suffix."""

from pathlib import Path

from pipeline.base.errors import InputError
from pipeline.data.mesh import Mesh, Parser, read_parsed
from pipeline.data.obj import parse_obj
from pipeline.data.off import parse_off
from pipeline.data.ply import parse_ply
from pipeline.data.triangle_formats import parse_glb, parse_stl

PARSERS: dict[str, Parser] = {
    ".off": parse_off,
    ".obj": parse_obj,
    ".ply": parse_ply,
    ".glb": parse_glb,
    ".stl": parse_stl,
}
"""Parsers by the suffix of the files that they read."""


def read_mesh(path: Path) -> Mesh:
    """Read a CAD model as float64 vertices and int32 triangles, cleaned by `pipeline.data.mesh.clean_mesh`.

    Coordinates stay as they are in the file: its axes have to be those of the CAD frame (z up, front -y) in every
    form, in GLB too. Objects of a file are taken together.

    Raises:
        InputError: the file is missing, damaged, or of a form that is not read.
    """
    parse = PARSERS.get(path.suffix.lower())
    if parse is None:
        raise InputError(
            f"{path}: expected a CAD model as {', '.join(PARSERS)}, found '{path.suffix}', which is not read. "
            "Convert it."
        )
    return read_parsed(path, parse)


def mesh_file(path: Path) -> Path:
    """The file of a model that may have any suffix that is read; `path` itself, with its own, where there is none.

    Raises:
        InputError: there is more than one.
    """
    found = [other for suffix in PARSERS if (other := path.with_suffix(suffix)).is_file()]
    if len(found) > 1:
        raise InputError(
            f"{found[0]}: expected one file of this model, found {', '.join(other.name for other in found)}. Remove "
            "all but one."
        )
    return found[0] if found else path
