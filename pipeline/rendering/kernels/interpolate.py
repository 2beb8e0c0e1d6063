"""Interpolation of vertex attributes at the pixels, and its gradients."""

from typing import no_type_check

from pipeline.rendering.kernels import kernel


@kernel
@no_type_check
def interpolate_rows(start, stop, attr, rast, tri, out):
    """Fill the rows [start, stop) of the batch's B*H rows of `out` [B,H,W,C] with u A0 + v A1 + (1 - u - v) A2."""
    height, width, channels = rast.shape[1], rast.shape[2], attr.shape[2]
    shared = attr.shape[0] == 1
    for row in range(start, stop):
        b, r = row // height, row % height
        a = 0 if shared else b
        for c in range(width):
            face = int(rast[b, r, c, 3]) - 1
            if face < 0:
                for k in range(channels):
                    out[b, r, c, k] = 0
                continue
            u, v = rast[b, r, c, 0], rast[b, r, c, 1]
            t = 1 - u - v
            i0, i1, i2 = tri[face, 0], tri[face, 1], tri[face, 2]
            for k in range(channels):
                out[b, r, c, k] = u * attr[a, i0, k] + v * attr[a, i1, k] + t * attr[a, i2, k]


@kernel
@no_type_check
def interpolate_backward(start, stop, attr, rast, tri, grad_out, grad_attr, grad_rast):
    """Add gradients of the instances [start, stop) to `grad_attr` [B,V,C], and write those of `grad_rast` [B,H,W,4]."""
    height, width, channels = rast.shape[1], rast.shape[2], attr.shape[2]
    shared = attr.shape[0] == 1
    for b in range(start, stop):
        a = 0 if shared else b
        for r in range(height):
            for c in range(width):
                face = int(rast[b, r, c, 3]) - 1
                if face < 0:
                    continue
                u, v = rast[b, r, c, 0], rast[b, r, c, 1]
                t = 1 - u - v
                i0, i1, i2 = tri[face, 0], tri[face, 1], tri[face, 2]
                gu, gv = 0.0, 0.0
                for k in range(channels):
                    g = grad_out[b, r, c, k]
                    gu += g * (attr[a, i0, k] - attr[a, i2, k])
                    gv += g * (attr[a, i1, k] - attr[a, i2, k])
                    grad_attr[b, i0, k] += u * g
                    grad_attr[b, i1, k] += v * g
                    grad_attr[b, i2, k] += t * g
                grad_rast[b, r, c, 0] = gu
                grad_rast[b, r, c, 1] = gv
