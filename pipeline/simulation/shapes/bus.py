"""Buses: city buses, coaches, double-deckers and school buses with a bonnet."""

import numpy as np

from pipeline.simulation.shapes.colours import glass, grey, metal, paint, rubber
from pipeline.simulation.shapes.primitives import box, cylinder
from pipeline.simulation.shapes.shape import Shape, assemble, both_sides, pair_keypoints, part
from pipeline.simulation.shapes.wagon import wagon

LAMP = (0.95, 0.95, 0.85)


def make_bus(rng: np.random.Generator) -> Shape:
    """A bus with random proportions, decks, windows, axles, bonnet and livery; metres."""
    double = rng.random() < 0.25
    bonnet = not double and rng.random() < 0.2
    length = rng.uniform(8.0, 10.5) if double or bonnet else rng.uniform(8.5, 12.5)
    half = rng.uniform(1.15, 1.35)
    clearance = rng.uniform(0.35, 0.5)
    height = rng.uniform(4.0, 4.5) if double else rng.uniform(2.9, 3.5)
    front, rear = -length / 2, length / 2
    colour, window, livery = paint(rng), glass(rng), paint(rng)

    deck = (height - clearance) * (0.5 if double else 1.0)
    low = clearance + deck * rng.uniform(0.42, 0.52)
    bands = [(low, clearance + deck * rng.uniform(0.78, 0.88))]
    if double:
        bands.append((bands[0][0] + deck * 0.98, bands[0][1] + deck * 0.98))
    count = int(rng.integers(5, 9))
    ends = (front, rear)
    shell = wagon(ends, (half, half * rng.uniform(0.9, 1.0)), (clearance, height), bands, count, (colour, window))
    parts = [shell]
    for low_pane, high_pane in bands:
        parts.append(
            part(box((-0.84 * half, front - 0.04, low_pane - 0.15), (0.84 * half, front + 0.1, high_pane)), window)
        )
        parts.append(part(box((-0.7 * half, rear - 0.1, low_pane), (0.7 * half, rear + 0.04, high_pane)), window))
    if rng.random() < 0.5:
        parts.append(
            part(box((-half - 0.03, front - 0.03, clearance + 0.25), (half + 0.03, rear + 0.03, low - 0.3)), livery)
        )
    if rng.random() < 0.35 and not double:
        parts.append(
            part(
                box((-0.7 * half, rear - 3.5, height - 0.05), (0.7 * half, rear - 1.0, height + 0.25)),
                grey(rng, 0.6, 0.95),
            )
        )
    nose = front
    if bonnet:
        nose = front - rng.uniform(0.9, 1.3)
        parts.append(part(box((-0.85 * half, nose, clearance), (0.85 * half, front + 0.1, low - 0.1)), colour))
    lamp_x, lamp_z = 0.62 * half, clearance + 0.45
    parts += both_sides(
        part(box((lamp_x - 0.2, nose - 0.07, lamp_z - 0.15), (lamp_x + 0.2, nose + 0.1, lamp_z + 0.15)), LAMP)
    )
    parts += both_sides(
        part(
            box((lamp_x - 0.12, rear - 0.1, lamp_z - 0.2), (lamp_x + 0.12, rear + 0.07, lamp_z + 0.2)),
            (0.75, 0.08, 0.08),
        )
    )
    if rng.random() < 0.6:
        parts += both_sides(
            part(box((half, front - 0.25, low + 0.1), (half + 0.3, front + 0.05, low + 0.75)), grey(rng, 0.05, 0.2))
        )

    radius = rng.uniform(0.48, 0.58)
    axles = {"front": front + (0.3 if bonnet else rng.uniform(1.3, 2.6)), "back": rear - rng.uniform(2.0, 3.0)}
    outside, tyre, rim = half + 0.05, rubber(rng), metal(rng)
    wheels = [*axles.values(), axles["back"] + 1.2] if rng.random() < 0.3 else list(axles.values())
    keypoints = {}
    for y in wheels:
        parts += both_sides(part(cylinder((outside - 0.4, y, radius), (outside, y, radius), radius, sides=16), tyre))
        parts += both_sides(part(cylinder((outside - 0.2, y, radius), (outside + 0.04, y, radius), 0.55 * radius), rim))
    for name, y in axles.items():
        keypoints |= pair_keypoints(f"{{}}_{name}_wheel", (outside + 0.04, y, radius))
    for name, y in (("front", front), ("back", rear)):
        keypoints |= pair_keypoints(f"body_{name}_{{}}_lower", (half, y, clearance))
        keypoints |= pair_keypoints(f"body_{name}_{{}}_upper", (_roof_half(shell), y, height))
    return assemble(parts, keypoints)


def _roof_half(shell):
    return float(shell.vertices[shell.vertices[:, 2] >= shell.vertices[:, 2].max() - 1e-9, 0].max())
