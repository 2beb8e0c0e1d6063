"""Bicycles: diamond and step-through frames, flat, dropped and swept handlebars, with luggage and mudguards."""

import numpy as np

from pipeline.simulation.shapes.colours import grey, metal, paint, rubber, wood
from pipeline.simulation.shapes.primitives import X_AXIS, box, cylinder, ellipsoid, torus, tube
from pipeline.simulation.shapes.shape import Shape, assemble, both_sides, pair_keypoints, part
from pipeline.simulation.shapes.wheels import spoked_wheel


def make_bicycle(rng: np.random.Generator) -> Shape:
    """A bicycle with random frame, handlebar, wheels, saddle and accessories; metres.

    Both pedals hang in the same place, so that the shape is mirror-symmetric.
    """
    radius = rng.uniform(0.29, 0.36)
    base = rng.uniform(0.98, 1.12)
    front_axle, rear_axle = np.array([0, -base / 2, radius]), np.array([0, base / 2, radius])
    crank = np.array([0, base / 2 - rng.uniform(0.40, 0.46), radius - rng.uniform(0.03, 0.07)])
    saddle = np.array([0, crank[1] + rng.uniform(0.12, 0.2), rng.uniform(0.88, 1.05)])
    head_top = np.array([0, front_axle[1] + rng.uniform(0.2, 0.27), rng.uniform(0.82, 0.95)])
    head_low = head_top + [0, -0.07, -rng.uniform(0.12, 0.2)]
    colour, black, bright = paint(rng), rubber(rng), metal(rng)
    bar = rng.uniform(0.020, 0.026)

    seat_joint = saddle + 0.22 * (crank - saddle)
    if rng.random() < 0.3:
        top_tube = [head_low + [0, 0.02, 0.03], saddle + 0.62 * (crank - saddle)]
    else:
        top_tube = [head_low + [0, 0.01, 0.06], seat_joint]
    frame = [[crank, saddle - [0, 0, 0.04]], top_tube, [head_low, crank], [head_low, head_top]]
    parts = [part(tube(path, bar), colour) for path in frame]
    for start in (crank, seat_joint):
        stay = [start + [0.03, 0.02, 0], rear_axle + [0.055, 0, 0]]
        parts += both_sides(part(tube(stay, 0.8 * bar), colour))
    fork = [head_low, head_low + [0.05, -0.03, -0.06], front_axle + [0.055, 0, 0]]
    parts += both_sides(part(tube(fork, 0.8 * bar), colour))

    tyre, spokes = rng.uniform(0.022, 0.036), (int(rng.integers(6, 11)), 0.009)
    hub_half = 0.075
    for axle in (front_axle, rear_axle):
        parts += spoked_wheel(axle[1], radius, tyre, (0.03, hub_half), spokes, (black, bright))

    parts += _drive(crank, bright, black)
    parts.append(part(ellipsoid(saddle + [0, 0.05, 0], (0.085, 0.10, 0.035)), black))
    parts.append(part(ellipsoid(saddle + [0, -0.05, 0.005], (0.04, 0.12, 0.03)), black))
    handlebar, grip = _handlebar(rng, head_top, bar, bright, black)
    parts += handlebar
    parts += _accessories(rng, head_top, (front_axle, rear_axle), radius, saddle, bright)

    pedal = crank + [0.19, 0, -0.16]
    keypoints = {
        "head_center": head_low + 0.5 * (head_top - head_low) + [0, -bar * 0.9, 0],
        "seat_front": saddle + [0, -0.165, 0.005],
        "seat_back": saddle + [0, 0.145, 0],
    }
    keypoints |= pair_keypoints("{}_handle", grip)
    keypoints |= pair_keypoints("{}_pedal_center", pedal)
    keypoints |= pair_keypoints("{}_front_wheel", front_axle + [hub_half, 0, 0])
    keypoints |= pair_keypoints("{}_back_wheel", rear_axle + [hub_half, 0, 0])
    return assemble(parts, keypoints)


def _drive(crank, bright, black):
    """Chainring, cranks and pedals; a pedal's outer face is 0.19 from the middle."""
    parts = [part(cylinder(crank - [0.03, 0, 0], crank + [0.03, 0, 0], 0.085, sides=16), bright)]
    parts += both_sides(part(tube([crank + [0.05, 0, 0], crank + [0.09, 0, -0.16]], 0.017), bright))
    pedal = crank + [0.14, 0, -0.16]
    return parts + both_sides(part(box(pedal - [0.05, 0.05, 0.02], pedal + [0.05, 0.05, 0.02]), black))


def _handlebar(rng, head_top, bar, bright, black):
    """Stem, bar and grips; returns the parts and the outer end of the right grip."""
    half = rng.uniform(0.2, 0.32)
    stem = head_top + [0, -rng.uniform(0.02, 0.1), rng.uniform(0.02, 0.12)]
    kind = str(rng.choice(["flat", "dropped", "swept"]))
    turn = {
        "flat": [[half, 0.03, 0.02]],
        "dropped": [
            [half * 0.8, 0, 0],
            [half * 0.85, -0.13, -0.02],
            [half * 0.85, -0.11, -0.12],
            [half * 0.85, 0.02, -0.14],
        ],
        "swept": [[half * 0.5, -0.03, 0.06], [half * 0.9, 0.0, 0.08], [half, 0.16, 0.06]],
    }[kind]
    points = [stem, *(stem + np.array(point) for point in turn)]
    parts = [part(tube([head_top, stem], bar), bright), *both_sides(part(tube(points, 0.85 * bar), bright))]
    direction = (points[-1] - points[-2]) / np.linalg.norm(points[-1] - points[-2])
    end = points[-1] + 0.03 * direction
    return parts + both_sides(part(cylinder(end - 0.12 * direction, end, 1.15 * bar, sides=8), black)), end


def _accessories(rng, head_top, axles, radius, saddle, bright):
    """Mudguards, carrier and basket; `axles` are the front and the rear one."""
    front_axle, rear_axle = axles
    parts = []
    if rng.random() < 0.35:
        colour = grey(rng, 0.1, 0.9)
        for axle, start, end in ((front_axle, 0.9, 2.6), (rear_axle, 0.2, 2.2)):
            angles = np.linspace(start, end, 8)
            arc = np.stack([np.zeros(8), np.cos(angles), np.sin(angles)], axis=1) * (radius + 0.03)
            parts.append(part(tube(axle + arc, 0.024), colour))
    if rng.random() < 0.3:
        z = rear_axle[2] + radius + 0.09
        parts.append(part(box((-0.07, saddle[1] + 0.12, z - 0.02), (0.07, rear_axle[1] + 0.2, z + 0.02)), bright))
        parts += both_sides(part(tube([(0.06, rear_axle[1] + 0.05, z), rear_axle + [0.065, 0, 0]], 0.014), bright))
    if rng.random() < 0.25:
        y, z = head_top[1] - 0.27, head_top[2] - 0.12
        parts.append(part(box((-0.16, y - 0.13, z - 0.1), (0.16, y + 0.12, z + 0.12)), wood(rng)))
    if rng.random() < 0.15:
        parts.append(part(torus(front_axle, X_AXIS, radius * 0.45, 0.02, segments=16), bright))
    return parts
