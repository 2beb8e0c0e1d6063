"""Meshes in binary glTF (GLB) and STL, which hold triangles only, by the library trimesh."""

import io
import json
import struct
import warnings
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from pipeline.data.mesh import LARGEST, MOST, NotReadError, TooManyError

MOST_BYTES = 4 * LARGEST
"""Bytes that the arrays of a file may claim together; those of one that is whole fit into it."""
MOST_NODES = 2000
"""Nodes that a scene may have."""
DEEPEST = 32
"""Levels of a scene: the library's time grows with the square of their number."""
FLOAT = 5126
WIDTHS = {5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, FLOAT: 4}
"""Bytes of a number, by glTF's codes of its type."""
COUNTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
"""Numbers of one item of an array, by glTF's names."""


def parse_stl(content: bytes) -> tuple[Float[np.ndarray, "V 3"], Int[np.ndarray, "F 3"]]:
    """Vertices and triangles of an STL file, in ASCII or binary; each triangle has vertices of its own."""
    return _load(content, "stl")


def parse_glb(content: bytes) -> tuple[Float[np.ndarray, "V 3"], Int[np.ndarray, "F 3"]]:
    """Vertices and triangles of a GLB file, all objects of its scene together, where the scene puts them."""
    _check_glb(content)
    return _load(content, "glb")


def _check_glb(content: bytes) -> None:
    """Check what the library takes on trust: sizes, and arrays that it would read as zeros."""
    size = struct.unpack_from("<I", content, 12)[0]
    scene: dict[str, Any] = json.loads(content[20 : 20 + size])
    arrays, total = scene.get("accessors", []), 0
    for array in arrays:
        if "sparse" in array or "bufferView" not in array:
            raise NotReadError("a GLB file of compressed meshes, which is not read. Save it without compression.")
        total += array["count"] * COUNTS[array["type"]] * WIDTHS[array["componentType"]]
    if any("extensions" in view for view in scene.get("bufferViews", [])):
        raise NotReadError("a GLB file of compressed meshes, which is not read. Save it without compression.")
    for mesh in scene.get("meshes", []):
        for part in mesh["primitives"]:
            if arrays[part["attributes"]["POSITION"]]["componentType"] != FLOAT:
                raise NotReadError("a GLB file of quantised vertices, which is not read. Save it without compression.")
    nodes = scene.get("nodes", [])
    if total > MOST_BYTES or len(nodes) > MOST_NODES:
        raise ValueError(f"it announces {total} bytes and {len(nodes)} nodes")
    parents = {child: i for i, node in enumerate(nodes) for child in node.get("children", [])}
    above = list(range(len(nodes)))
    for _ in range(DEEPEST):
        above = [parents[i] for i in above if i in parents]
    if above:
        raise NotReadError(f"a GLB file of more than {DEEPEST} levels, which is not read. Save it without parents.")


def _load(content: bytes, form: str) -> tuple[np.ndarray, np.ndarray]:
    # Slow to import, and few models are in these forms.
    import trimesh

    # The library gets the content alone: without a path, it opens no file that the content names.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scene = trimesh.load_scene(io.BytesIO(content), file_type=form, process=False, skip_materials=True)
        used = [scene.geometry[scene.graph[node][1]] for node in scene.graph.nodes_geometry]
        total = sum(len(shape.faces) for shape in used if isinstance(shape, trimesh.Trimesh))
        if total == 0:
            raise ValueError("it has no triangle")
        if total > MOST:
            raise TooManyError
        mesh = scene.to_mesh()
    return np.asarray(mesh.vertices, dtype=np.float64), np.asarray(mesh.faces, dtype=np.int64)
