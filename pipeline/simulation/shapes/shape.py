"""Coloured shapes with named keypoints, assembled from parts in any unit and brought into the CAD frame's unit box."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int32

from pipeline.simulation.shapes.primitives import Mesh, Point

MAX_EDGE = 0.12
"""Longest edge of a finished shape, in diagonals: vertex attributes must interpolate well."""


class Shape(NamedTuple):
    """One object in the CAD frame (z up, front -y): centred bounding box with diagonal 1."""

    vertices: Float32[np.ndarray, "V 3"]
    faces: Int32[np.ndarray, "F 3"]
    """Vertex indices of the triangles, counter-clockwise seen from outside in the parametric families."""
    face_colours: Float32[np.ndarray, "F 3"]
    """Colour of each face, RGB in [0, 1]."""
    keypoints: dict[str, Float[np.ndarray, "3"]]
    """Points of the surface by name; names with `left_` have x < 0, as in the genuine CAD models."""


class Part(NamedTuple):
    """A mesh with a colour for each face, in any unit."""

    vertices: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "F 3"]
    colours: Float[np.ndarray, "F 3"]


def part(mesh: Mesh, colour: Point) -> Part:
    """The mesh in one colour."""
    return Part(mesh.vertices, mesh.faces, np.tile(np.asarray(colour, float), (len(mesh.faces), 1)))


def repainted(item: Part, selection: Bool[np.ndarray, "F"], colour: Point) -> Part:
    """The part with the selected faces in another colour."""
    return item._replace(colours=np.where(selection[:, None], np.asarray(colour, float), item.colours))


def face_centres(item: Part) -> Float[np.ndarray, "F 3"]:
    """Centroids, for choosing faces to repaint."""
    return item.vertices[item.faces].mean(axis=1)


def face_normals(item: Part) -> Float[np.ndarray, "F 3"]:
    """Unit outward normals, for choosing faces to repaint."""
    a, b, c = (item.vertices[item.faces[:, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def both_sides(item: Part) -> list[Part]:
    """The part and its mirror image at the plane x = 0."""
    return [item, Part(item.vertices * [-1, 1, 1], item.faces[:, ::-1].copy(), item.colours)]


def pair_keypoints(name: str, point: Point) -> dict[str, Float[np.ndarray, "3"]]:
    """Keypoints on both sides, from the one at either side; `{}` in the name becomes 'left' (x < 0) and 'right'."""
    x, y, z = point
    return {
        name.format("left"): np.array([-abs(x), y, z], float),
        name.format("right"): np.array([abs(x), y, z], float),
    }


def subdivide(
    vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"], max_edge: float
) -> tuple[Float[np.ndarray, "W 3"], Int[np.ndarray, "G 3"], Int[np.ndarray, "G"]]:
    """Halve long edges until none exceeds `max_edge`; shared edges stay shared, the surface does not change.

    Returns the vertices, the faces, and for each of them the index of the face that it was cut from.
    """
    origin = np.arange(len(faces))
    done_faces, done_origin = [], []
    while True:
        corners = vertices[faces]
        long = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2).max(axis=1, initial=0) > max_edge
        done_faces.append(faces[~long])
        done_origin.append(origin[~long])
        if not long.any():
            return vertices, np.concatenate(done_faces), np.concatenate(done_origin)
        faces, origin = faces[long], origin[long]
        sides = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=2), axis=2)
        edges, of_face, uses = np.unique(sides @ [len(vertices), 1], return_inverse=True, return_counts=True)
        of_face = of_face.reshape(faces.shape)
        start, end = np.divmod(edges, len(vertices))
        lengths = np.linalg.norm(vertices[start] - vertices[end], axis=1)
        # Strict order of the edges, so that each face has one longest edge, on which its neighbours agree.
        rank = np.argsort(np.argsort(lengths.round(9), kind="stable"), kind="stable")
        corner = np.argmax(rank[of_face], axis=1)
        longest = of_face[np.arange(len(faces)), corner]
        # An edge is cut when it is the longest of all its faces; each face is then cut once or not at all.
        cut = np.bincount(longest, minlength=len(edges)) == uses
        midpoint_of_edge = len(vertices) + np.cumsum(cut) - 1
        split = cut[longest]
        a, b, c = (faces[split, (corner[split] + i) % 3] for i in range(3))
        middle = midpoint_of_edge[longest[split]]
        vertices = np.concatenate([vertices, (vertices[start[cut]] + vertices[end[cut]]) / 2])
        faces = np.concatenate([faces[~split], np.stack([a, middle, c], 1), np.stack([middle, b, c], 1)])
        origin = np.concatenate([origin[~split], origin[split], origin[split]])


def normalised(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    colours: Float[np.ndarray, "F 3"],
    keypoints: Mapping[str, Float[np.ndarray, "3"]],
) -> Shape:
    """Centre the bounding box, scale its diagonal to 1 and cut long edges."""
    lower, upper = vertices.min(axis=0), vertices.max(axis=0)
    centre, diagonal = (lower + upper) / 2, np.linalg.norm(upper - lower)
    fine, fine_faces, origin = subdivide((vertices - centre) / diagonal, faces, MAX_EDGE)
    return Shape(
        vertices=fine.astype(np.float32),
        faces=fine_faces.astype(np.int32),
        face_colours=np.clip(colours[origin], 0, 1).astype(np.float32),
        keypoints={name: (np.asarray(point, float) - centre) / diagonal for name, point in keypoints.items()},
    )


def assemble(parts: Sequence[Part], keypoints: Mapping[str, Point]) -> Shape:
    """Put parts together; `keypoints` are in the same unit as the parts."""
    offsets = np.cumsum([0, *(len(item.vertices) for item in parts)])
    return normalised(
        np.concatenate([item.vertices for item in parts]),
        np.concatenate([item.faces + offset for item, offset in zip(parts, offsets, strict=False)]),
        np.concatenate([item.colours for item in parts]),
        {name: np.asarray(point, float) for name, point in keypoints.items()},
    )
