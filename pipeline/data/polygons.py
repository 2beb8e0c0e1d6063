"""Polygons in space split into triangles: convex ones into fans, concave ones by the library Earcut."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int
from mapbox_earcut import triangulate_float64

STRAIGHT = 1e-6
"""Sine of the angle by which a corner may turn inwards and still counts as straight: files round coordinates."""
MOST_CORNERS = 1000
"""Corners that a concave polygon may have: the time of the library grows with the square of their number."""

Polygons: TypeAlias = Sequence[Sequence[int]] | Int[np.ndarray, "P N"]
"""Vertex indices of each polygon."""


def triangles(vertices: Float[np.ndarray, "V 3"], polygons: Polygons) -> Int[np.ndarray, "F 3"]:
    """Split polygons into triangles that cover the same surface, in the order of the polygons.

    A convex polygon becomes the fan round its first corner. A concave one is seen along its normal and cut by the
    library Earcut. Polygons of fewer than three corners have no surface.

    Args:
        polygons: counter-clockwise from outside or not; the triangles have the same sense.

    Raises:
        ValueError: a polygon names a vertex that does not exist, or a concave one has more than `MOST_CORNERS` corners.
    """
    sizes = np.fromiter(map(len, polygons), np.int64, len(polygons))
    parts, owners = [np.zeros((0, 3), np.int32)], [np.zeros(0, np.int64)]
    for size in np.unique(sizes[sizes >= 3]):
        rows = np.flatnonzero(sizes == size)
        corners = np.array([polygons[int(row)] for row in rows], dtype=np.int32)
        if corners.min() < 0 or corners.max() >= len(vertices):
            raise ValueError(f"a face names a vertex outside 0 to {len(vertices) - 1}")
        concave = _concave(vertices[corners])
        fans = corners[~concave]
        first = np.broadcast_to(fans[:, :1], fans[:, 2:].shape)
        parts.append(np.stack([first, fans[:, 1:-1], fans[:, 2:]], axis=2).reshape(-1, 3))
        owners.append(rows[~concave].repeat(size - 2))
        for row, polygon in zip(rows[concave], corners[concave], strict=True):
            parts.append(polygon[_cut(vertices[polygon])])
            owners.append(np.full(len(parts[-1]), row))
    return np.concatenate(parts)[np.concatenate(owners).argsort(kind="stable")]


def _concave(points: Float[np.ndarray, "P N 3"]) -> Bool[np.ndarray, " P"]:
    """Whether a corner of each polygon turns inwards, seen along the polygon's normal."""
    sides = np.roll(points, -1, axis=1) - points
    turns = np.cross(np.roll(sides, 1, axis=1), sides)
    lengths = np.linalg.norm(sides, axis=2)
    turn = np.einsum("pnk,pk->pn", turns, _normals(points))
    return (turn < -STRAIGHT * lengths * np.roll(lengths, 1, axis=1)).any(axis=1)


def _normals(points: Float[np.ndarray, "P N 3"]) -> Float[np.ndarray, "P 3"]:
    """Unit normals: the sum of the cross products of a fan is twice the area vector, for concave polygons too."""
    spokes = points[:, 1:] - points[:, :1]
    total = np.cross(spokes[:, :-1], spokes[:, 1:]).sum(axis=1)
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return total / np.where(length > 0, length, 1)


def _cut(points: Float[np.ndarray, "N 3"]) -> Int[np.ndarray, "T 3"]:
    """Triangles of one polygon, as positions among its corners, counter-clockwise if the polygon is."""
    if len(points) > MOST_CORNERS:
        raise ValueError(f"a concave polygon has {len(points)} corners; split those of more than {MOST_CORNERS}")
    # The axis that the normal is nearest to is left out. A negative one mirrors the others, so that they change places.
    normal = _normals(points[None])[0]
    axis = int(np.abs(normal).argmax())
    kept = list((1, 2, 0, 1, 2)[axis : axis + 2])
    flat = points[:, kept if normal[axis] >= 0 else kept[::-1]]
    corners = triangulate_float64(flat, np.array([len(flat)], dtype=np.uint32))
    return corners.astype(np.int64).reshape(-1, 3)
