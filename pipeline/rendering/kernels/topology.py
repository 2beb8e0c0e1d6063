"""Adjacency of faces: the opposite vertex across each edge of a mesh."""

from typing import no_type_check

import numpy as np

from pipeline.rendering.kernels import kernel


@kernel
@no_type_check
def opposite_vertices(tri, num_vertices):
    """Find the opposite vertex [F,3] in the one other face at the edge from corner k to corner k + 1.

    The entry is -1 at a border edge and where three or more faces meet. Faces that repeat a vertex have no edges.
    """
    starts = _bucket_starts(tri, num_vertices)
    entries = _bucket_entries(tri, starts)
    opposite = np.full(tri.shape, -1, np.int32)
    for low in range(num_vertices):
        bucket = entries[starts[low] : starts[low + 1]]
        for edge in bucket:
            matches, other = 0, -1
            for candidate in bucket:
                if candidate != edge and _high(tri, candidate) == _high(tri, edge):
                    matches += 1
                    other = candidate
            if matches == 1:
                opposite[edge // 3, edge % 3] = tri[other // 3, (other % 3 + 2) % 3]
    return opposite


@kernel
@no_type_check
def _bucket_starts(tri, num_vertices):
    """Start of each vertex's bucket when the edges are sorted by their lower vertex."""
    starts = np.zeros(num_vertices + 1, np.int64)
    for face in range(tri.shape[0]):
        if _is_proper(tri, face):
            for k in range(3):
                starts[min(tri[face, k], tri[face, (k + 1) % 3]) + 1] += 1
    for i in range(num_vertices):
        starts[i + 1] += starts[i]
    return starts


@kernel
@no_type_check
def _bucket_entries(tri, starts):
    """Edges, coded as 3 face + corner, sorted by their lower vertex."""
    entries = np.empty(starts[-1], np.int64)
    position = starts[:-1].copy()
    for face in range(tri.shape[0]):
        if _is_proper(tri, face):
            for k in range(3):
                low = min(tri[face, k], tri[face, (k + 1) % 3])
                entries[position[low]] = 3 * face + k
                position[low] += 1
    return entries


@kernel
@no_type_check
def _is_proper(tri, face):
    a, b, c = tri[face, 0], tri[face, 1], tri[face, 2]
    return a != b and b != c and c != a


@kernel
@no_type_check
def _high(tri, edge):
    face, k = edge // 3, edge % 3
    return max(tri[face, k], tri[face, (k + 1) % 3])
