"""Photographs of the embedded benchmark with the truth about them.

Everything is rendered with `SUPERSAMPLING` subpixels along each side of a pixel and averaged, so that borders are
smooth. The camera is PASCAL3D+'s `project_3d` (`pipeline.photographs.cameras.project_cad`).
"""

from typing import NamedTuple

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float16, Float32, Int32, UInt8

from pipeline.photographs.cameras import clip_depth, project_cad, viewpoint_rotation
from pipeline.photographs.records import Viewpoint
from pipeline.rendering.rasterizer import Rasterizer
from pipeline.simulation.background import fill, muted_colour, paint_background, random_outline
from pipeline.simulation.framing import Framing
from pipeline.simulation.shading import draw_light, shade
from pipeline.simulation.shapes.shape import Shape

SUPERSAMPLING = 2
DEPTH_STEP = 2.0**-10
"""CAD units to which the true depth is rounded, for small files."""
COVERED = (0.08, 0.45)
"""Range of the share of an occluded object's pixels that something else covers."""


class Photograph(NamedTuple):
    """One picture, pixel by pixel, and the buffers that decide which points are seen."""

    image: UInt8[np.ndarray, "H W 3"]
    mask: Bool[np.ndarray, "H W"]
    """Pixels of which the object takes up half or more."""
    depth: Float32[np.ndarray, "H W"]
    """Camera depth in CAD units: the object's on the mask, nearer on the occluder, farther on the background."""
    surface: Float16[np.ndarray, "H W 3"]
    """Semantic coordinate on the mask, zero elsewhere."""
    z_buffer: Float32[np.ndarray, "SH SW"]
    """Depth of the object at the subpixels, infinite beside it."""
    covered: Bool[np.ndarray, "SH SW"]
    """Subpixels of the occluder."""


class _Layer(NamedTuple):
    """Subpixels that something covers, [SH,SW], and its colours [SH,SW,3]."""

    mask: np.ndarray
    colour: np.ndarray


class _Buffers(NamedTuple):
    """The rasterized object at its P subpixels."""

    hit: Bool[np.ndarray, "SH SW"]
    faces: Int32[np.ndarray, "P"]
    points: Float32[np.ndarray, "P 3"]
    semantic: Float32[np.ndarray, "P 3"]
    depth: Float32[np.ndarray, "P"]


def photograph(
    shape: Shape,
    semantic: Float32[np.ndarray, "V 3"],
    framing: Framing,
    occluded: bool,
    rng: np.random.Generator,
    rasterizer: Rasterizer,
) -> Photograph:
    """Render one object in front of a random background.

    Args:
        semantic: semantic coordinate of each vertex (`pipeline.simulation.semantics`).
        occluded: put an opaque shape in front of a part of the object.
    """
    view, width, height = framing
    buffers = _rasterize(shape, semantic, framing, rasterizer)
    hit = buffers.hit
    eye = viewpoint_rotation(view.azimuth, view.elevation, view.theta)[2]
    light = draw_light(eye, rng)
    colour = np.zeros((*hit.shape, 3), np.float32)
    colour[hit] = shade(buffers.faces, buffers.points, shape.face_colours, _normals(shape), light)
    background = paint_background(height, width, rng)
    _cast_shadow(background, shape, view, rng)
    occluder = _occluder(hit, rng) if occluded else _Layer(np.zeros_like(hit), np.zeros_like(colour))
    seen = hit & ~occluder.mask

    image = _composite(background, [_Layer(seen, colour), occluder])
    z_buffer = np.full(hit.shape, np.inf, np.float32)
    z_buffer[hit] = buffers.depth
    mask = _average(seen.astype(np.float32)) >= 0.5
    in_front = ~mask & (_average(occluder.mask.astype(np.float32)) >= 0.5)
    surface = np.zeros((*hit.shape, 3), np.float32)
    surface[hit] = buffers.semantic
    return Photograph(
        image=_develop(image, rng),
        mask=mask,
        depth=_depth(_average_where(z_buffer[..., None], seen, mask)[..., 0], mask, in_front, view, rng),
        surface=_average_where(surface, seen, mask).astype(np.float16),
        z_buffer=z_buffer,
        covered=occluder.mask,
    )


def _rasterize(shape: Shape, semantic: np.ndarray, framing: Framing, rasterizer: Rasterizer) -> _Buffers:
    view, width, height = framing
    x, y, depth = project_cad(shape.vertices.astype(np.float64), view).T
    # Shapes reach half a unit from their centre at most.
    clip_z = clip_depth(depth, view.distance - 1, view.distance + 1)
    clip = np.stack([(2 * x / width - 1) * depth, (2 * y / height - 1) * depth, clip_z, depth], axis=1)
    faces = torch.from_numpy(shape.faces)
    resolution = (SUPERSAMPLING * height, SUPERSAMPLING * width)
    rast = rasterizer.rasterize(torch.from_numpy(clip[None].astype(np.float32)), faces, resolution)
    attributes = np.concatenate([shape.vertices, semantic, depth[:, None].astype(np.float32)], axis=1)
    values = rasterizer.interpolate(torch.from_numpy(attributes[None]), rast, faces)[0].numpy()
    owner = rast[0, ..., 3].numpy().astype(np.int32)
    hit = owner > 0
    values = values[hit]
    return _Buffers(hit, owner[hit] - 1, values[:, :3], values[:, 3:6], values[:, 6])


def _normals(shape: Shape) -> np.ndarray:
    a, b, c = (shape.vertices[shape.faces[:, i]].astype(np.float64) for i in range(3))
    normals = np.cross(b - a, c - a)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def _cast_shadow(background: np.ndarray, shape: Shape, view: Viewpoint, rng: np.random.Generator) -> None:
    """Darken the ground under the object, where there is one: the shape pressed flat onto its lowest level."""
    if rng.random() < 0.3 or view.elevation < 0:
        return
    flat = shape.vertices.astype(np.float64)
    flat[:, 2] = flat[:, 2].min()
    outline = cv2.convexHull(project_cad(flat, view)[:, :2].astype(np.float32))[:, 0]
    dark = fill(outline, *background.shape[:2]).astype(np.float32)
    dark = cv2.GaussianBlur(dark, (0, 0), rng.uniform(1.5, 5))
    background *= 1 - rng.uniform(0.2, 0.6) * dark[..., None]


def _occluder(hit: np.ndarray, rng: np.random.Generator) -> _Layer:
    """An opaque shape of one colour with a gradient, sized until it covers a share of the object within `COVERED`."""
    rows, columns = np.nonzero(hit)
    centre = rng.integers(len(rows))
    position = np.array([columns[centre], rows[centre]]) + 0.5
    outline = random_outline(np.zeros(2), 1.0, rng)
    radius = 0.3 * np.sqrt(len(rows))
    for _ in range(24):
        mask = fill(position + radius * outline, *hit.shape)
        share = (mask & hit).sum() / len(rows)
        if COVERED[0] <= share <= COVERED[1]:
            break
        radius *= 1.25 if share < COVERED[0] else 0.85
    shading = 1 + rng.uniform(-0.3, 0.3) * np.linspace(-1, 1, hit.shape[0], dtype=np.float32)[:, None, None]
    colour = np.broadcast_to(shading * muted_colour(rng).astype(np.float32), (*hit.shape, 3))
    return _Layer(mask, np.clip(colour, 0, 1))


def _average(values: np.ndarray) -> np.ndarray:
    """Mean of each pixel's subpixels."""
    height, width = values.shape[0] // SUPERSAMPLING, values.shape[1] // SUPERSAMPLING
    return cv2.resize(values, (width, height), interpolation=cv2.INTER_AREA)


def _average_where(values: np.ndarray, seen: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Mean [H,W,C] over those subpixels of each pixel of `mask` that are `seen`; zero elsewhere."""
    visible = np.where(seen[..., None], values, np.float32(0))
    total = _average(visible).reshape(*mask.shape, -1)
    share = np.where(mask, _average(seen.astype(np.float32)), 1)
    return np.where(mask[..., None], total / share[..., None], np.float32(0))


def _composite(background: np.ndarray, layers: list[_Layer]) -> np.ndarray:
    """The picture of layers that do not overlap, over the background, at the size of the photograph."""
    image, free = np.zeros_like(background), np.ones(background.shape[:2], np.float32)
    for layer in layers:
        image += _average(layer.colour * layer.mask[..., None])
        free -= _average(layer.mask.astype(np.float32))
    return image + background * free[..., None]


def _depth(
    depth: np.ndarray, mask: np.ndarray, in_front: np.ndarray, view: Viewpoint, rng: np.random.Generator
) -> np.ndarray:
    """Complete the object's depth: background on a plane that recedes upwards, occluder in front of everything."""
    rows = np.linspace(1, 0, mask.shape[0], dtype=np.float32)[:, None]
    background = view.distance + 0.6 + rng.uniform(0.2, 1.5) * rows
    complete = np.where(mask, depth, np.broadcast_to(background, mask.shape))
    complete[in_front] = view.distance - 0.6
    return (np.round(complete / DEPTH_STEP) * DEPTH_STEP).astype(np.float32)


def _develop(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture after exposure, white balance and sensor noise."""
    exposed = image * (rng.uniform(0.85, 1.15) * (1 + rng.normal(0, 0.03, 3))).astype(np.float32)
    noise = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(rng.uniform(0.005, 0.02))
    return (np.clip(exposed + noise, 0, 1) * 255 + 0.5).astype(np.uint8)
