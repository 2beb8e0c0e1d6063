"""Closed triangle meshes that the parametric families are made of; faces are counter-clockwise seen from outside."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

Point = Sequence[float] | np.ndarray
X_AXIS, Y_AXIS, Z_AXIS = np.eye(3)


class Mesh(NamedTuple):
    """Triangles in any unit of length; the families use metres, CAD axes (z up, front -y)."""

    vertices: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "F 3"]


def box(lower: Point, upper: Point) -> Mesh:
    """Axis-aligned box between two opposite corners."""
    (x0, y0, z0), (x1, y1, z1) = lower, upper
    corners = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    return loft([[(x, y, z) for x, y in corners] for z in (z0, z1)])


def cylinder(start: Point, end: Point, radius: float, end_radius: float | None = None, sides: int = 12) -> Mesh:
    """Cylinder, or cone frustum, between the centres of its two ends."""
    axis = np.subtract(end, start)
    length = float(np.linalg.norm(axis))
    return revolve([(radius, 0.0), (radius if end_radius is None else end_radius, length)], start, axis, sides)


def revolve(profile: Sequence[tuple[float, float]], origin: Point, axis: Point = Z_AXIS, sides: int = 16) -> Mesh:
    """Surface of revolution; `profile` lists (radius, height along the axis above `origin`)."""
    circle = _circle(np.asarray(axis, float), sides)
    direction = np.asarray(axis, float) / np.linalg.norm(axis)
    return loft([np.asarray(origin) + height * direction + radius * circle for radius, height in profile])


def ellipsoid(centre: Point, radii: Point, sides: int = 14, rings: int = 9) -> Mesh:
    """Ellipsoid with its axes along x, y and z."""
    angles = np.linspace(-np.pi / 2, np.pi / 2, rings + 1)
    angles[[0, -1]] *= 0.96  # Small polar caps instead of coincident vertices.
    sphere = revolve([(np.cos(a), np.sin(a)) for a in angles], (0, 0, 0), Z_AXIS, sides)
    return Mesh(sphere.vertices * np.asarray(radii, float) + np.asarray(centre, float), sphere.faces)


def tube(path: Sequence[Point] | np.ndarray, radius: float, sides: int = 8) -> Mesh:
    """Round bar along a polyline."""
    points = np.asarray(path, float)
    steps = np.diff(points, axis=0)
    steps /= np.linalg.norm(steps, axis=1, keepdims=True)
    tangents = np.concatenate([steps[:1], steps[:-1] + steps[1:], steps[-1:]])
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    ring = _circle(tangents[0], sides)
    rings = [points[0] + radius * ring]
    for point, tangent in zip(points[1:], tangents[1:], strict=True):
        # Moving the previous ring along the bar keeps it from twisting.
        ring = ring - np.outer(ring @ tangent, tangent)
        ring = ring / np.linalg.norm(ring, axis=1, keepdims=True)
        rings.append(point + radius * ring)
    return loft(rings)


def torus(centre: Point, axis: Point, radius: float, thickness: float, segments: int = 24, sides: int = 8) -> Mesh:
    """Ring of the given radius around `axis`; `thickness` is the radius of its round section."""
    spokes = _circle(np.asarray(axis, float), segments)
    direction = np.asarray(axis, float) / np.linalg.norm(axis)
    angles = _angles(sides)
    sections = [
        np.asarray(centre)
        + (radius + thickness * np.cos(angles))[:, None] * spoke
        + np.outer(thickness * np.sin(angles), direction)
        for spoke in spokes
    ]
    return _outward(np.concatenate(sections), _skin(np.stack(sections), closed=True))


def body(stations: Sequence[tuple[float, float, float, float]], roundness: float = 0.3, sides: int = 16) -> Mesh:
    """Elongated body along y; a station is (y, half width, bottom z, top z).

    The section is a superellipse: `roundness` 1 gives an ellipse, values towards 0 give a rectangle.
    """
    angles = _angles(sides)
    across = np.sign(np.cos(angles)) * np.abs(np.cos(angles)) ** roundness
    upward = np.sign(np.sin(angles)) * np.abs(np.sin(angles)) ** roundness
    rings = [
        np.stack([width * across, np.full(sides, y), (low + high) / 2 + (high - low) / 2 * upward], axis=1)
        for y, width, low, high in stations
    ]
    return loft(rings)


def blade(
    root: Point, tip: Point, root_chord: float, tip_chord: float, thickness: float, normal: Point = Z_AXIS
) -> Mesh:
    """Wing, fin or stabiliser: a flat section with blunt edges whose chord lies along y, from `root` to `tip`.

    The two points are mid-chord; `thickness` is the root's, along `normal`; the tip is as thick in proportion, but no
    thinner than 60 %.
    """
    up = np.asarray(normal, float)
    chord = np.array([-0.5, -0.25, 0.2, 0.5, 0.5, 0.2, -0.25, -0.5])
    height = np.array([0.12, 0.5, 0.5, 0.12, -0.12, -0.5, -0.5, -0.12])
    tip_thickness = thickness * max(0.6, tip_chord / root_chord)
    rings = [
        np.asarray(centre, float) + np.outer(size * chord, Y_AXIS) + np.outer(depth * height, up)
        for centre, size, depth in ((root, root_chord, thickness), (tip, tip_chord, tip_thickness))
    ]
    return loft(rings)


def plate(outline: Sequence[tuple[float, float]], thickness: float, x: float = 0.0) -> Mesh:
    """Flat plate in the y-z plane at `x`; `outline` is a star-shaped polygon of (y, z)."""
    return loft([[(side, y, z) for y, z in outline] for side in (x - thickness / 2, x + thickness / 2)])


def loft(rings: Sequence[Sequence[Point]] | Sequence[np.ndarray]) -> Mesh:
    """Skin through two or more rings of equally many points, closed by a fan around the centre of each end.

    Faces are ordered: the skin, ring after ring, two triangles for each pair of neighbouring points; then the fans.
    """
    stack = np.asarray(rings, float)
    count, sides, _ = stack.shape
    vertices = np.concatenate([stack.reshape(-1, 3), stack[[0, -1]].mean(axis=1)])
    start = np.arange(sides)
    end = start + (count - 1) * sides
    first_fan = np.stack([np.full(sides, count * sides), np.roll(start, -1), start], axis=1)
    last_fan = np.stack([np.full(sides, count * sides + 1), end, np.roll(end, -1)], axis=1)
    return _outward(vertices, np.concatenate([_skin(stack, closed=False), first_fan, last_fan]))


def _skin(rings: np.ndarray, closed: bool) -> Int[np.ndarray, "F 3"]:
    """Two triangles for each quadrilateral, along its shorter diagonal: mirror-symmetric rings give such a surface."""
    count, sides, _ = rings.shape
    points = rings.reshape(-1, 3)
    ring = np.arange(count if closed else count - 1)[:, None] * sides
    following = (ring + sides) % (count * sides)
    here, beside = np.arange(sides), np.roll(np.arange(sides), -1)
    a, b, c, d = ring + here, ring + beside, following + here, following + beside
    shorter = np.linalg.norm(points[a] - points[d], axis=-1) <= np.linalg.norm(points[b] - points[c], axis=-1)
    along_ad = np.stack([a, b, d, a, d, c], axis=-1)
    along_bc = np.stack([a, b, c, b, d, c], axis=-1)
    return np.where(shorter[..., None], along_ad, along_bc).reshape(-1, 3)


def _outward(vertices: np.ndarray, faces: np.ndarray) -> Mesh:
    """Turn all faces if they enclose a negative volume."""
    a, b, c = (vertices[faces[:, i]] - vertices[0] for i in range(3))
    return Mesh(vertices, faces if (np.cross(a, b) * c).sum() >= 0 else faces[:, ::-1].copy())


def _angles(count: int) -> np.ndarray:
    """Half a step off the axes, so that rings are mirror-symmetric and flat-topped."""
    return 2 * np.pi * (np.arange(count) + 0.5) / count


def _circle(axis: np.ndarray, sides: int) -> Float[np.ndarray, "K 3"]:
    """Unit circle of points around `axis`."""
    direction = axis / np.linalg.norm(axis)
    # The helper axis is the coordinate axis most perpendicular to the direction; x first keeps upright rings symmetric.
    helper = np.eye(3)[np.argmin(np.abs(direction).round(6))]
    first = helper - (helper @ direction) * direction
    first /= np.linalg.norm(first)
    second = np.cross(direction, first)
    angles = _angles(sides)
    return np.outer(np.cos(angles), first) + np.outer(np.sin(angles), second)
