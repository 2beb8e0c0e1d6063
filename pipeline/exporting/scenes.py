"""Meshes as files for other programs: glTF 2.0 (GLB) and Wavefront OBJ.

glTF's frame is ours: y up, z to the front, x to the object's own left. The order of the vertices is kept, so that
vertex i is the same point of the category in every file of a model.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import trimesh
from jaxtyping import Float, Int
from trimesh.exchange.gltf import export_glb

from pipeline.base.files import write_bytes, write_text

FRAME = "x to the object's own left, y up, z to its front (right-handed)"
UNIT = "object unit, which has no metric scale"
CAMERA_FRAME = "x right, y up, z towards the viewer (right-handed)"


class Surface(NamedTuple):
    """A mesh with what is known of its vertices."""

    vertices: Float[np.ndarray, "N 3"]
    """In the object frame, in object units."""
    faces: Int[np.ndarray, "F 3"]
    identity: Float[np.ndarray, "N 3"]
    """Colour of each vertex in [0, 1], the same in all instances of a category."""
    albedo: Float[np.ndarray, "N 3"] | None
    """Colour of the object itself in [0, 1]; None for a template, which has none."""


def write_glb(
    path: Path,
    surface: Surface,
    keypoints: Mapping[str, int],
    rotation: Float[np.ndarray, "3 3"] | None = None,
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Write a mesh as GLB, in one node `object`, whose matrix is the rotation.

    The albedo is the colour of the vertices (COLOR_0), and the identity the attribute `_IDENTITY`; without an albedo
    the identity is the colour. Each keypoint is an empty node below `object`, named `keypoint:<name>`, whose extras
    hold the number of its vertex. The extras of the scene hold frame, unit and `notes`.

    Args:
        keypoints: vertex by the name of the keypoint.
        rotation: from the object frame to the camera frame; None leaves the mesh in the object frame.
    """
    mesh = _mesh(surface)
    mesh.vertex_attributes["_IDENTITY"] = surface.identity.astype(np.float32)
    scene = trimesh.Scene()
    pose = np.eye(4)
    if rotation is not None:
        pose[:3, :3] = rotation
    scene.add_geometry(mesh, node_name="object", geom_name="object", transform=pose)
    for name, vertex in keypoints.items():
        place = trimesh.transformations.translation_matrix(surface.vertices[vertex])
        scene.graph.update(
            frame_from="object", frame_to=f"keypoint:{name}", matrix=place, metadata={"vertex": int(vertex)}
        )
    scene.metadata = {"frame": FRAME, "camera_frame": CAMERA_FRAME, "unit": UNIT, **(notes or {})}
    write_bytes(path, export_glb(scene, include_normals=True))


def write_obj(path: Path, surface: Surface) -> None:
    """Write a mesh as OBJ with colours beside the coordinates, as MeshLab and Blender read them.

    OBJ has no nodes, so that keypoints are left out.
    """
    colours = surface.identity if surface.albedo is None else surface.albedo
    lines = [f"# {FRAME}; {UNIT}", "o object"]
    lines += [
        f"v {x:.6f} {y:.6f} {z:.6f} {r:.4f} {g:.4f} {b:.4f}"
        for (x, y, z), (r, g, b) in zip(surface.vertices.tolist(), colours.tolist(), strict=True)
    ]
    lines += [f"f {a} {b} {c}" for a, b, c in (surface.faces + 1).tolist()]
    write_text(path, "\n".join(lines) + "\n")


def _mesh(surface: Surface) -> trimesh.Trimesh:
    """The mesh with its vertices as they are; trimesh would merge equal ones."""
    colours = surface.identity if surface.albedo is None else surface.albedo
    rgba = np.concatenate([colours, np.ones((len(colours), 1))], 1)
    return trimesh.Trimesh(
        surface.vertices.astype(np.float64),
        surface.faces,
        vertex_colors=np.round(255 * rgba.clip(0, 1)).astype(np.uint8),
        process=False,
    )
