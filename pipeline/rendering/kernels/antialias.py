"""Antialiasing: blending of neighbouring pixels across silhouettes, and its gradients.

Two neighbours that show different faces are blended when a silhouette edge of the nearer face crosses the line
between their centres. With d the distance from the centre of the pixel that shows this face ("own") to the crossing:

    d < 1/2:  own   += (1/2 - d) (other - own)
    d > 1/2:  other += (d - 1/2) (own - other)

Only edges at more than 45 degrees to the line count; pixel pairs in the other direction handle the others.
"""

from typing import no_type_check

import numpy as np

from pipeline.rendering.kernels import kernel

REACH = 1 / 16
"""Distance in pixels by which a crossing may lie beyond the two centres, as coverage is decided on snapped vertices."""


@kernel
@no_type_check
def antialias_forward(start, stop, color, rast, pos, tri, opposite, out):
    """Add the blends of the instances [start, stop) to `out` [B,H,W,C], which holds a copy of `color`."""
    height, width, channels = color.shape[1], color.shape[2], color.shape[3]
    for b in range(start, stop):
        silhouettes = _silhouettes(pos[b], tri, opposite)
        for r in range(height):
            for c in range(width):
                for axis in range(2):
                    r2, c2 = r + axis, c + 1 - axis
                    if r2 == height or c2 == width or rast[b, r, c, 3] == rast[b, r2, c2, 3]:
                        continue
                    forward, _, edge, d = _crossing(rast[b], pos[b], tri, silhouettes, r, c, axis)
                    if edge < 0 or d == 0.5:
                        continue
                    # The first pixel of the pair receives when it is own and d < 1/2, or other and d > 1/2.
                    weight = abs(0.5 - d)
                    if forward == (d < 0.5):
                        for k in range(channels):
                            out[b, r, c, k] += weight * (color[b, r2, c2, k] - color[b, r, c, k])
                    else:
                        for k in range(channels):
                            out[b, r2, c2, k] += weight * (color[b, r, c, k] - color[b, r2, c2, k])


@kernel
@no_type_check
def antialias_backward(start, stop, color, rast, pos, tri, opposite, grad_out, margin, grad_color, grad_pos):
    """Add the gradients of the instances [start, stop) to `grad_pos` [B,V,4] and to `grad_color` [B,H,W,C].

    The caller initialises `grad_color` with a copy of `grad_out`.
    """
    height, width, channels = color.shape[1], color.shape[2], color.shape[3]
    for b in range(start, stop):
        silhouettes = _silhouettes(pos[b], tri, opposite)
        for r in range(height):
            for c in range(width):
                for axis in range(2):
                    r2, c2 = r + axis, c + 1 - axis
                    if r2 == height or c2 == width or rast[b, r, c, 3] == rast[b, r2, c2, 3]:
                        continue
                    forward, face, edge, d = _crossing(rast[b], pos[b], tri, silhouettes, r, c, axis)
                    if edge < 0:
                        continue
                    weight = abs(0.5 - d)
                    ra, ca, rb, cb = r, c, r2, c2
                    if forward != (d < 0.5):
                        ra, ca, rb, cb = r2, c2, r, c
                    grad_weight = 0.0
                    for k in range(channels):
                        g = grad_out[b, ra, ca, k]
                        grad_weight += g * (color[b, rb, cb, k] - color[b, ra, ca, k])
                        grad_color[b, ra, ca, k] -= weight * g
                        grad_color[b, rb, cb, k] += weight * g
                    if grad_weight != 0 and 0 < d < 1:
                        grad_d = -grad_weight if d < 0.5 else grad_weight
                        own_row, own_column = (r, c) if forward else (r2, c2)
                        i, j = tri[face, edge], tri[face, (edge + 1) % 3]
                        _add_crossing(
                            pos[b], i, j, own_row, own_column, axis, forward, height, width, grad_d, margin, grad_pos[b]
                        )


@kernel
@no_type_check
def _silhouettes(pos, tri, opposite):
    """Silhouette edges of each face as bits: bit k stands for the edge from corner k to corner k + 1.

    An edge is a silhouette if it has no second face, or if the opposite vertex of the second face projects to the same
    side as the face. Faces with a vertex behind the camera have no silhouettes.
    """
    bits = np.zeros(tri.shape[0], np.uint8)
    for face in range(tri.shape[0]):
        i, j, k = tri[face, 0], tri[face, 1], tri[face, 2]
        if not (pos[i, 3] > 0 and pos[j, 3] > 0 and pos[k, 3] > 0):
            continue
        side = _side(pos[i], pos[j], pos[k])
        for edge in range(3):
            far = opposite[face, edge]
            # An opposite vertex that is NaN belongs to a face that is not drawn.
            if far < 0 or not side * _side(pos[tri[face, edge]], pos[tri[face, (edge + 1) % 3]], pos[far]) <= 0:
                bits[face] |= 1 << edge
    return bits


@kernel
@no_type_check
def _side(p, q, r):
    """Signed side of the projected line pq on which the vertex r lies, for p and q in front of the camera."""
    x, y, w = p[1] * q[3] - p[3] * q[1], p[3] * q[0] - p[0] * q[3], p[0] * q[1] - p[1] * q[0]
    return x * r[0] + y * r[1] + w * r[3]


@kernel
@no_type_check
def _crossing(rast, pos, tri, silhouettes, r, c, axis):
    """Find the silhouette edge between the pixel (r, c) and its right (axis 0) or lower (axis 1) neighbour.

    Returns four values: whether the first pixel is "own", the nearer face, the first corner of the edge (-1 if there
    is no such edge), and d.
    """
    height, width = rast.shape[0], rast.shape[1]
    r2, c2 = r + axis, c + 1 - axis
    first, second = int(rast[r, c, 3]) - 1, int(rast[r2, c2, 3]) - 1
    forward = first >= 0 and (second < 0 or rast[r, c, 2] < rast[r2, c2, 2])
    face = first if forward else second
    own_row, own_column = (r, c) if forward else (r2, c2)
    if face < 0 or silhouettes[face] == 0:
        return forward, face, -1, 0.0
    i, j, k = tri[face, 0], tri[face, 1], tri[face, 2]
    a0, b0 = _around(pos[i], own_row, own_column, axis, forward, height, width)
    a1, b1 = _around(pos[j], own_row, own_column, axis, forward, height, width)
    a2, b2 = _around(pos[k], own_row, own_column, axis, forward, height, width)
    edge, d = -1, -np.inf
    d0, d1, d2 = _intersection(a0, b0, a1, b1), _intersection(a1, b1, a2, b2), _intersection(a2, b2, a0, b0)
    if d0 > d:
        edge, d = 0, d0
    if d1 > d:
        edge, d = 1, d1
    if d2 > d:
        edge, d = 2, d2
    if edge == 1:
        a0, b0, a1, b1, a2, b2 = a1, b1, a2, b2, a0, b0
    elif edge == 2:
        a0, b0, a1, b1, a2, b2 = a2, b2, a0, b0, a1, b1
    if edge < 0 or not -REACH < d < 1 + REACH or abs(b1 - b0) < abs(a1 - a0):
        return forward, face, -1, 0.0
    if not silhouettes[face] & (1 << edge):
        return forward, face, -1, 0.0
    return forward, face, edge, min(max(d, 0.0), 1.0)


@kernel
@no_type_check
def _intersection(a0, b0, a1, b1):
    """Coordinate a at which the edge meets the line b = 0; -inf if it does not."""
    if (b0 > 0) == (b1 > 0):
        return -np.inf
    return (a0 * b1 - a1 * b0) / (b1 - b0)


@kernel
@no_type_check
def _around(p, row, column, axis, forward, height, width):
    """Offset in pixels from the centre of "own" to a vertex: along the line from own to other, and across it."""
    x = 0.5 * width * (p[0] / p[3] + 1) - (column + 0.5)
    y = 0.5 * height * (p[1] / p[3] + 1) - (row + 0.5)
    along, across = (y, x) if axis == 1 else (x, y)
    return (along if forward else -along), across


@kernel
@no_type_check
def _add_crossing(pos, i, j, row, column, axis, forward, height, width, grad, margin, grad_pos):
    """Add the gradient of d = (a0 b1 - a1 b0) / (b1 - b0) to the vertices of the edge."""
    a0, b0 = _around(pos[i], row, column, axis, forward, height, width)
    a1, b1 = _around(pos[j], row, column, axis, forward, height, width)
    span = b1 - b0
    span += margin if span >= 0 else -margin
    d = (a0 * b1 - a1 * b0) / span
    _add_window(pos[i], grad * b1 / span, grad * (d - a1) / span, axis, forward, height, width, grad_pos[i])
    _add_window(pos[j], -grad * b0 / span, grad * (a0 - d) / span, axis, forward, height, width, grad_pos[j])


@kernel
@no_type_check
def _add_window(p, grad_along, grad_across, axis, forward, height, width, grad):
    if not forward:
        grad_along = -grad_along
    gx, gy = (grad_across, grad_along) if axis == 1 else (grad_along, grad_across)
    gx *= 0.5 * width / p[3]
    gy *= 0.5 * height / p[3]
    grad[0] += gx
    grad[1] += gy
    grad[3] -= (gx * p[0] + gy * p[1]) / p[3]
