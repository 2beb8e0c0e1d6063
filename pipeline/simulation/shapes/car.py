"""Cars: saloons, hatchbacks, estates, vans and pickups."""

from typing import NamedTuple

import numpy as np

from pipeline.simulation.shapes.colours import glass, grey, metal, paint, rubber
from pipeline.simulation.shapes.primitives import body, box, cylinder, loft
from pipeline.simulation.shapes.shape import (
    Part,
    Shape,
    assemble,
    both_sides,
    face_centres,
    face_normals,
    pair_keypoints,
    part,
    repainted,
)

STYLES = {
    # Windscreen base, roof front, roof rear, rear window base, as shares of the length from the front.
    "saloon": (0.28, 0.43, 0.70, 0.85),
    "hatchback": (0.25, 0.42, 0.86, 0.97),
    "estate": (0.27, 0.41, 0.92, 0.98),
    "van": (0.13, 0.28, 0.95, 0.985),
    "pickup": (0.27, 0.38, 0.55, 0.59),
}

ROUNDNESS = 0.35
"""Roundness of the hull's section."""
REAR_WIDTH = 0.93
"""Width of the rear end, as a share of the hull's."""


class Hull(NamedTuple):
    """Edges of a car's body below the windows, in metres: y from front to rear, half its width, z upwards."""

    front: float
    rear: float
    half: float
    clearance: float
    hood: float
    belt: float
    """Height of the windows' lower edge."""
    trunk: float
    """Height of the rear end."""
    windscreen: float
    """Place of the windscreen's lower edge along y."""


def make_car(rng: np.random.Generator) -> Shape:
    """A car of random style, proportions, colours and extras (roof rack, spoiler, two-tone roof)."""
    style = str(rng.choice(list(STYLES)))
    length = rng.uniform(3.5, 4.3) if style == "hatchback" else rng.uniform(4.2, 5.0)
    half = rng.uniform(0.80, 0.95)
    height = rng.uniform(1.7, 1.95) if style in ("van", "pickup") else rng.uniform(1.35, 1.6)
    clearance = rng.uniform(0.18, 0.32)
    belt = height * rng.uniform(0.58, 0.66)
    hood = belt - rng.uniform(0.03, 0.14)
    front, rear = -length / 2, length / 2
    colour, window = paint(rng), glass(rng)

    trunk = belt - rng.uniform(0.0, 0.06)
    base, roof_front, roof_rear, rear_base = front + length * np.array(STYLES[style])
    hull = Hull(front, rear, half, clearance, hood, belt, trunk, base)
    parts = [part(_hull(hull), colour)]
    cabin_half, roof_half = half * 0.94, half * rng.uniform(0.72, 0.84)
    roof_colour = paint(rng) if rng.random() < 0.15 else colour
    parts.append(
        _cabin((base, roof_front, roof_rear, rear_base), (cabin_half, roof_half), (belt, height), window, roof_colour)
    )

    radius = rng.uniform(0.30, 0.36) + 0.3 * (clearance - 0.18)
    axles = front + length * rng.uniform(0.17, 0.2), rear - length * rng.uniform(0.18, 0.23)
    rim = metal(rng)
    keypoints = {}
    for name, y in zip(("front", "back"), axles, strict=True):
        outside = half + 0.03
        tyre = part(cylinder((outside - 0.25, y, radius), (outside, y, radius), radius, sides=16), rubber(rng))
        hub = part(cylinder((outside - 0.1, y, radius), (outside + 0.02, y, radius), 0.58 * radius), rim)
        parts += both_sides(tyre) + both_sides(hub)
        keypoints |= pair_keypoints(f"{{}}_{name}_wheel", (outside + 0.02, y, radius))

    lamp = np.array([half * 0.7, front - 0.02, clearance + 0.68 * (hood - clearance)])
    parts += both_sides(part(box(lamp - [0.17, 0, 0.08], lamp + [0.17, 0.2, 0.08]), (0.95, 0.95, 0.85)))
    tail = np.array([half * 0.74, rear + 0.02, clearance + 0.68 * (trunk - clearance)])
    parts += both_sides(part(box(tail - [0.14, 0.2, 0.1], tail + [0.14, 0, 0.1]), (0.75, 0.08, 0.08)))
    bumper = grey(rng, 0.1, 0.4) if rng.random() < 0.5 else colour
    for y in (front, rear):
        reach = half * 0.9
        low = clearance + 0.05
        parts.append(part(box((-reach, y - 0.06, low), (reach, y + 0.06, low + 0.18)), bumper))

    if rng.random() < 0.35 and style != "pickup":
        x = roof_half * 0.85
        parts += both_sides(part(box((x - 0.04, roof_front, height), (x + 0.04, roof_rear, height + 0.07)), bumper))
    if rng.random() < 0.3 and style == "saloon":
        spoiler = box((-half * 0.8, rear - 0.25, trunk + 0.12), (half * 0.8, rear - 0.02, trunk + 0.18))
        parts.append(part(spoiler, colour))
        parts += both_sides(
            part(box((half * 0.5, rear - 0.2, trunk - 0.1), (half * 0.6, rear - 0.1, trunk + 0.15)), colour)
        )

    keypoints |= pair_keypoints("upper_{}_windshield", (roof_half, roof_front, height - 0.05))
    keypoints |= pair_keypoints("upper_{}_rearwindow", (roof_half, roof_rear, height - 0.05))
    keypoints |= pair_keypoints("{}_front_light", lamp)
    keypoints |= pair_keypoints("{}_back_trunk", _trunk_corner(hull))
    return assemble(parts, keypoints)


def _hull(hull):
    front, rear, half, clearance, hood, belt, trunk, base = hull
    low_nose = hood - 0.14
    return body(
        [
            (front, half * 0.86, clearance + 0.08, low_nose),
            (front + 0.15, half * 0.96, clearance, hood - 0.06),
            (front + 0.5, half, clearance, hood),
            (base, half, clearance, belt),
            (rear - 0.9, half, clearance, belt),
            (rear - 0.2, half * 0.98, clearance, trunk),
            (rear, half * REAR_WIDTH, clearance + 0.08, trunk - 0.05),
        ],
        ROUNDNESS,
        sides=20,
    )


def _trunk_corner(hull):
    """Upper corner of the rear end: the end section's point at 45 degrees."""
    share = np.cos(np.pi / 4) ** ROUNDNESS
    low, high = hull.clearance + 0.08, hull.trunk - 0.05
    return hull.half * REAR_WIDTH * share, hull.rear, (low + high) / 2 + (high - low) / 2 * share


def _cabin(lengthwise, halves, heights, window, roof) -> Part:
    """Greenhouse: glass with pillars in the roof's colour; its top corners are those of windscreen and rear window."""
    base, roof_front, roof_rear, rear_base = lengthwise
    cabin_half, roof_half = halves
    belt, height = heights
    edges = np.array([0, 0.08, 0.44, 0.52, 0.88, 1])

    def ring(start, end, half, z):
        y = start + edges * (end - start)
        right = [(half, value, z) for value in y]
        return right + [(-x, value, z) for x, value, z in right[::-1]]

    shell = part(
        loft(
            [
                ring(base, rear_base, cabin_half, belt - 0.06),
                ring(roof_front, roof_rear, roof_half, height - 0.05),
                ring(roof_front + 0.06, roof_rear - 0.06, roof_half - 0.08, height),
            ]
        ),
        roof,
    )
    side = np.abs(face_normals(shell)[:, 0]) > 0.6
    upright = face_centres(shell)[:, 2] < height - 0.05
    panel = np.arange(len(shell.faces)) // 2 % 12
    pillar = side & np.isin(panel, [0, 2, 4, 6, 8, 10])
    return repainted(shell, upright & ~pillar & (face_normals(shell)[:, 2] < 0.9), window)
