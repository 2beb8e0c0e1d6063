"""CAD models in every form that is read."""

from pathlib import Path
from typing import Any

import numpy as np

from faults.kind import Kind, file_kind
from pipeline.data.mesh_files import read_mesh
from pipeline.data.off import write_off

CUBE = np.array([[x, y, z] for x in (-0.3, 0.3) for y in (-0.3, 0.3) for z in (-0.3, 0.3)])
QUADS = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
FACES = np.concatenate([QUADS[:, [0, 1, 2]], QUADS[:, [0, 2, 3]]])


def meshes(root: Path) -> None:
    """A cube in each form."""
    import trimesh

    write_off(root / "triangles.off", CUBE, FACES)
    points = [" ".join(map(str, point)) for point in CUBE]
    quads = ["OFF # with polygons", "8 6 0", *points, "# faces"]
    quads += ["4 " + " ".join(map(str, face)) + " 255 0 0" for face in QUADS.tolist()]
    (root / "quads.off").write_text("\n".join(quads) + "\n")
    obj = ["# a cube", "mtllib cube.mtl", "o cube", *(f"v {point}" for point in points), "vn 0 0 1", "usemtl red"]
    obj += ["f " + " ".join(f"{corner + 1}//1" for corner in face) for face in QUADS.tolist()]
    (root / "cube.obj").write_text("\n".join(obj) + "\n")
    cube = trimesh.Trimesh(CUBE, FACES, process=False)
    for name, options in (("text.ply", {"encoding": "ascii"}), ("binary.ply", {}), ("cube.glb", {}), ("cube.stl", {})):
        (root / name).write_bytes(cube.export(file_type=name.rsplit(".", 1)[1], **options))


def check_mesh(mesh: Any) -> None:
    """Check what both readers of meshes promise."""
    assert np.isfinite(mesh.vertices).all() and np.abs(mesh.vertices).max(initial=0) < 1e12
    assert mesh.vertices.shape[1] == mesh.faces.shape[1] == 3
    assert len(mesh.faces) == 0 or (mesh.faces.min() >= 0 and mesh.faces.max() < len(mesh.vertices))


KINDS: tuple[Kind, ...] = (
    file_kind("OFF mesh", meshes, "triangles.off", read_mesh, "text", check_mesh),
    file_kind("OFF mesh of polygons", meshes, "quads.off", read_mesh, "text", check_mesh),
    file_kind("OBJ mesh", meshes, "cube.obj", read_mesh, "text", check_mesh),
    file_kind("PLY mesh as text", meshes, "text.ply", read_mesh, "text", check_mesh),
    file_kind("PLY mesh", meshes, "binary.ply", read_mesh, check=check_mesh),
    file_kind("GLB mesh", meshes, "cube.glb", read_mesh, check=check_mesh),
    file_kind("STL mesh", meshes, "cube.stl", read_mesh, check=check_mesh),
)
