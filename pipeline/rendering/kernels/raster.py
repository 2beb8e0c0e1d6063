"""Visibility of the faces at the pixel centres, their barycentric coordinates, and the gradient of the coordinates.

Coverage is decided in integers, on vertices that are rounded to 1/16 pixel. A fill rule assigns a pixel centre on a
shared edge to exactly one of the two faces. Faces that reach behind the camera, or far out of the image, are tested
with homogeneous edge functions instead of being clipped.
"""

from typing import no_type_check

import numpy as np

from pipeline.rendering.kernels import kernel

SUBPIXELS = 16
GUARD = 2.0**24
"""Largest subpixel coordinate whose edge functions are exact in both int64 and float64."""

DROPPED, SNAPPED, HOMOGENEOUS = 0, 1, 2


@kernel
@no_type_check
def rasterize_rows(start, stop, pos, tri, rast):
    """Fill the rows [start, stop) of the batch's B*H rows of `rast` [B,H,W,4] with (u, v, z/w, id + 1)."""
    height, width = rast.shape[1], rast.shape[2]
    for b in range(start // height, (stop + height - 1) // height):
        first = max(start - b * height, 0)
        last = min(stop - b * height, height)
        faces = _visible_faces(pos[b], tri, first, last, height, width)
        for r in range(first, last):
            fy = (2 * r + 1) / height - 1
            for c in range(width):
                face = faces[r - first, c]
                for k in range(4):
                    rast[b, r, c, k] = 0
                if face >= 0:
                    u, v, depth = _attributes(pos[b], tri[face], (2 * c + 1) / width - 1, fy)
                    rast[b, r, c, 0] = u
                    rast[b, r, c, 1] = v
                    rast[b, r, c, 2] = depth
                    rast[b, r, c, 3] = face + 1


@kernel
@no_type_check
def rasterize_backward(start, stop, pos, tri, rast, grad_rast, margin, grad_pos):
    """Add the gradient of (u, v) of the instances [start, stop) to `grad_pos` [B,V,4], ignoring the clamping."""
    height, width = rast.shape[1], rast.shape[2]
    for b in range(start, stop):
        for r in range(height):
            fy = (2 * r + 1) / height - 1
            for c in range(width):
                face = int(rast[b, r, c, 3]) - 1
                gu, gv = float(grad_rast[b, r, c, 0]), float(grad_rast[b, r, c, 1])
                if face < 0 or (gu == 0 and gv == 0):
                    continue
                fx = (2 * c + 1) / width - 1
                i, j, k = tri[face, 0], tri[face, 1], tri[face, 2]
                x0, y0 = _from_pixel(pos[b, i], fx, fy)
                x1, y1 = _from_pixel(pos[b, j], fx, fy)
                x2, y2 = _from_pixel(pos[b, k], fx, fy)
                a0, a1, a2 = x1 * y2 - y1 * x2, x2 * y0 - y2 * x0, x0 * y1 - y0 * x1
                total = a0 + a1 + a2
                total += margin if total >= 0 else -margin
                mean = (gu * a0 + gv * a1) / total
                g0, g1, g2 = (gu - mean) / total, (gv - mean) / total, -mean / total
                _add_vertex(grad_pos[b, i], g2 * y1 - g1 * y2, g1 * x2 - g2 * x1, fx, fy)
                _add_vertex(grad_pos[b, j], g0 * y2 - g2 * y0, g2 * x0 - g0 * x2, fx, fy)
                _add_vertex(grad_pos[b, k], g1 * y0 - g0 * y1, g0 * x1 - g1 * x0, fx, fy)


@kernel
@no_type_check
def _visible_faces(pos, tri, first, last, height, width):
    """Find the nearest face at each pixel centre of the rows [first, last); -1 where there is none."""
    faces = np.full((last - first, width), -1, np.int32)
    depths = np.full((last - first, width), np.inf)
    grid, depth, kind = _snap(pos, height, width)
    for face in range(tri.shape[0]):
        i, j, k = tri[face, 0], tri[face, 1], tri[face, 2]
        if kind[i] == DROPPED or kind[j] == DROPPED or kind[k] == DROPPED:
            continue
        if kind[i] == SNAPPED and kind[j] == SNAPPED and kind[k] == SNAPPED:
            _cover_snapped(grid[i], grid[j], grid[k], depth[i], depth[j], depth[k], face, first, faces, depths)
        else:
            _cover_homogeneous(pos[i], pos[j], pos[k], face, first, height, faces, depths)
    return faces


@kernel
@no_type_check
def _snap(pos, height, width):
    """Compute subpixel coordinates and z/w of the vertices, and the kind of coverage test that each vertex requires."""
    count = pos.shape[0]
    grid = np.empty((count, 2), np.int64)
    depth = np.empty(count)
    kind = np.empty(count, np.int8)
    for i in range(count):
        x, y, z, w = pos[i, 0], pos[i, 1], pos[i, 2], pos[i, 3]
        if not (np.isfinite(x) and np.isfinite(y) and np.isfinite(z) and np.isfinite(w)):
            kind[i] = DROPPED
            continue
        kind[i] = HOMOGENEOUS
        if w > 0:
            column = np.floor((x / w + 1) * (0.5 * SUBPIXELS * width) + 0.5)
            row = np.floor((y / w + 1) * (0.5 * SUBPIXELS * height) + 0.5)
            if abs(column) < GUARD and abs(row) < GUARD and np.isfinite(z / w):
                kind[i] = SNAPPED
                grid[i, 0], grid[i, 1], depth[i] = np.int64(column), np.int64(row), z / w
    return grid, depth, kind


@kernel
@no_type_check
def _cover_snapped(p0, p1, p2, z0, z1, z2, face, first, faces, depths):
    x0, y0, x1, y1, x2, y2 = p0[0], p0[1], p1[0], p1[1], p2[0], p2[1]
    area = (x1 - x0) * (y2 - y0) - (y1 - y0) * (x2 - x0)
    if area == 0:
        return
    if area < 0:
        area = -area
        x1, y1, z1, x2, y2, z2 = x2, y2, z2, x1, y1, z1
    # The centre of pixel c lies at subpixel 16 c + 8.
    left = max((min(x0, x1, x2) + 7) >> 4, 0)
    right = min((max(x0, x1, x2) - 8) >> 4, faces.shape[1] - 1)
    top = max((min(y0, y1, y2) + 7) >> 4, first)
    bottom = min((max(y0, y1, y2) - 8) >> 4, first + faces.shape[0] - 1)
    tie0, tie1, tie2 = _tie(x2 - x1, y2 - y1), _tie(x0 - x2, y0 - y2), _tie(x1 - x0, y1 - y0)
    for r in range(top, bottom + 1):
        y = (r << 4) + 8
        for c in range(left, right + 1):
            x = (c << 4) + 8
            e0 = (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)
            e1 = (x0 - x2) * (y - y2) - (y0 - y2) * (x - x2)
            e2 = area - e0 - e1
            if e0 >= tie0 and e1 >= tie1 and e2 >= tie2:
                depth = (e0 * z0 + e1 * z1 + e2 * z2) / area
                if -1 <= depth <= 1 and depth <= depths[r - first, c]:
                    depths[r - first, c] = depth
                    faces[r - first, c] = face


@kernel
@no_type_check
def _tie(dx, dy):
    """Smallest edge function value that counts as inside: 0 for one direction of an edge, 1 for the opposite one."""
    return 0 if dy < 0 or (dy == 0 and dx > 0) else 1


@kernel
@no_type_check
def _cover_homogeneous(p0, p1, p2, face, first, height, faces, depths):
    if p0[3] <= 0 and p1[3] <= 0 and p2[3] <= 0:
        return
    c0, h0, v0 = _edge_function(p1, p2)
    c1, h1, v1 = _edge_function(p2, p0)
    c2, h2, v2 = _edge_function(p0, p1)
    # The barycentric sum of w at a pixel is the same at every pixel, up to the common scale.
    volume = p0[3] * c0 + p1[3] * c1 + p2[3] * c2
    if volume == 0 or not np.isfinite(volume):
        return
    sign = 1.0 if volume > 0 else -1.0
    width = faces.shape[1]
    for r in range(first, first + faces.shape[0]):
        fy = (2 * r + 1) / height - 1
        for c in range(width):
            fx = (2 * c + 1) / width - 1
            e0 = sign * (c0 + h0 * fx + v0 * fy)
            e1 = sign * (c1 + h1 * fx + v1 * fy)
            e2 = sign * (c2 + h2 * fx + v2 * fy)
            if (
                _inside(e0, sign * h0, sign * v0)
                and _inside(e1, sign * h1, sign * v1)
                and _inside(e2, sign * h2, sign * v2)
            ):
                depth = (e0 * p0[2] + e1 * p1[2] + e2 * p2[2]) / (sign * volume)
                if -1 <= depth <= 1 and depth <= depths[r - first, c]:
                    depths[r - first, c] = depth
                    faces[r - first, c] = face


@kernel
@no_type_check
def _edge_function(p, q):
    """Coefficients (constant, x, y) of (p - f p_w) x (q - f q_w), which is linear in the pixel f."""
    return p[0] * q[1] - p[1] * q[0], p[1] * q[3] - p[3] * q[1], p[3] * q[0] - p[0] * q[3]


@kernel
@no_type_check
def _inside(value, dx, dy):
    return value > 0 or (value == 0 and (dx > 0 or (dx == 0 and dy > 0)))


@kernel
@no_type_check
def _attributes(pos, corners, fx, fy):
    """Compute u, v and z/w of a face at the pixel (fx, fy) from its unsnapped vertices."""
    p0, p1, p2 = pos[corners[0]], pos[corners[1]], pos[corners[2]]
    x0, y0 = _from_pixel(p0, fx, fy)
    x1, y1 = _from_pixel(p1, fx, fy)
    x2, y2 = _from_pixel(p2, fx, fy)
    a0, a1, a2 = x1 * y2 - y1 * x2, x2 * y0 - y2 * x0, x0 * y1 - y0 * x1
    total = a0 + a1 + a2
    u, v = a0 / total, a1 / total
    if not (np.isfinite(u) and np.isfinite(v)):
        u, v = 1 / 3, 1 / 3
    # Coverage is decided on snapped vertices, so that the exact coordinates may lie slightly outside of the face.
    u, v = min(max(u, 0.0), 1.0), min(max(v, 0.0), 1.0)
    if u + v > 1:
        u, v = u / (u + v), v / (u + v)
    t = 1 - u - v
    depth = (u * p0[2] + v * p1[2] + t * p2[2]) / (u * p0[3] + v * p1[3] + t * p2[3])
    return u, v, min(max(depth, -1.0), 1.0)


@kernel
@no_type_check
def _from_pixel(p, fx, fy):
    return p[0] - fx * p[3], p[1] - fy * p[3]


@kernel
@no_type_check
def _add_vertex(grad, gx, gy, fx, fy):
    grad[0] += gx
    grad[1] += gy
    grad[3] -= fx * gx + fy * gy
