"""Motorbikes: standard machines, cruisers, sports bikes and scooters."""

from typing import NamedTuple

import numpy as np

from pipeline.simulation.shapes.colours import glass, grey, metal, paint, rubber
from pipeline.simulation.shapes.primitives import box, cylinder, ellipsoid, loft, tube
from pipeline.simulation.shapes.shape import Shape, assemble, both_sides, pair_keypoints, part
from pipeline.simulation.shapes.wheels import spoked_wheel

STYLES = ("standard", "cruiser", "sports", "scooter")


class Chassis(NamedTuple):
    """Measures that the body of a motorbike is fitted to; metres."""

    style: str
    """One of `STYLES`."""
    crown: np.ndarray
    """Upper end of the fork."""
    rear: float
    """Place of the rear axle along y."""
    radius: float
    """Radius of the wheels."""
    seat_z: float
    """Height of the saddle."""


def make_motorbike(rng: np.random.Generator) -> Shape:
    """A motorbike with random style, proportions, exhausts, luggage and windscreen; metres."""
    style = str(rng.choice(STYLES))
    scooter = style == "scooter"
    radius = rng.uniform(0.23, 0.27) if scooter else rng.uniform(0.29, 0.34)
    base = rng.uniform(1.2, 1.35) if scooter else rng.uniform(1.35, 1.55) + 0.15 * (style == "cruiser")
    front, rear = -base / 2, base / 2
    seat_z = rng.uniform(0.64, 0.72) if style == "cruiser" else rng.uniform(0.76, 0.86)
    colour, black, bright, leather = paint(rng), rubber(rng), metal(rng), grey(rng, 0.05, 0.3)

    tyre = rng.uniform(0.055, 0.075)
    spokes = (int(rng.integers(5, 9)), 0.02)
    hub = (0.07, 0.11)
    parts = []
    for y in (front, rear):
        parts += spoked_wheel(y, radius, tyre, hub, spokes, (black, bright))

    rake = rng.uniform(0.2, 0.27) + 0.18 * (style == "cruiser")
    crown = np.array([0, front + rake, rng.uniform(0.86, 0.96)])
    parts += both_sides(part(tube([crown + [0.085, 0, 0], (0.085, front, radius)], 0.026), bright))
    parts.append(part(box(crown - [0.12, 0.05, 0.05], crown + [0.12, 0.05, 0.04]), black))
    parts += both_sides(part(tube([(0.1, 0.12, 0.36), (0.1, rear, radius)], 0.032), bright))
    handle, grip = _handlebar(rng, style, crown, bright, black)
    parts += handle

    chassis = Chassis(style, crown, rear, radius, seat_z)
    if scooter:
        bodywork, seat = _scooter_body(rng, chassis, colour, leather)
    else:
        bodywork, seat = _machine_body(rng, chassis, colour, bright, leather)
    parts += bodywork

    lamp = crown + [0, -0.13, -0.02 - 0.06 * (style == "cruiser")]
    parts.append(part(cylinder(lamp, lamp + [0, 0.13, 0], 0.1, 0.07), grey(rng, 0.1, 0.3)))
    parts.append(part(cylinder(lamp - [0, 0.02, 0], lamp + [0, 0.02, 0], 0.085), (0.95, 0.95, 0.85)))
    if rng.random() < (0.7 if style == "sports" else 0.25):
        parts.append(part(_screen(crown, rng.uniform(0.16, 0.34)), glass(rng)))
    if rng.random() < 0.25:
        parts += _top_case(seat["back_seat"], colour, black)
    parts.append(part(_mudguard(front, radius, 0.6, 2.4), colour))

    keypoints = {"head_center": crown + [0, 0, 0.04], "headlight_center": lamp - [0, 0.02, 0]} | seat
    keypoints |= pair_keypoints("{}_handle_center", grip)
    keypoints |= pair_keypoints("{}_front_wheel", (hub[1], front, radius))
    keypoints |= pair_keypoints("{}_back_wheel", (hub[1], rear, radius))
    return assemble(parts, keypoints)


def _handlebar(rng, style, crown, bright, black):
    """Bar, grips and mirrors; returns the parts and the outer end of the right grip."""
    half = rng.uniform(0.3, 0.38)
    rise = {"standard": 0.1, "cruiser": 0.24, "sports": 0.0, "scooter": 0.12}[style] + rng.uniform(0.0, 0.05)
    sweep = rng.uniform(0.05, 0.14)
    bend = crown + [0.5 * half, 0.0, rise + 0.03]
    start = crown + [half - 0.12, sweep * 0.5, rise + 0.03]
    end = crown + [half, sweep, rise + 0.02]
    parts = both_sides(part(tube([crown + [0.03, 0, 0], bend, start], 0.022), bright))
    parts += both_sides(part(cylinder(start, end, 0.034, sides=8), black))
    if rng.random() < 0.6:
        stalk = start + [0.0, 0.0, 0.14]
        parts += both_sides(part(tube([start, stalk], 0.018, sides=6), black))
        parts += both_sides(part(box(stalk - [0.06, 0.015, 0.02], stalk + [0.06, 0.02, 0.07]), black))
    return parts, end


def _machine_body(rng, chassis, colour, bright, leather):
    """Tank, engine, frame, saddle and exhausts; returns the parts and the saddle's keypoints."""
    style, crown, rear, radius, seat_z = chassis
    tank_y = crown[1] + 0.32
    tank_z = max(seat_z + 0.06, crown[2] - 0.1)
    tank_length = rng.uniform(0.26, 0.33)
    parts = [
        part(ellipsoid((0, tank_y, tank_z), (0.16, tank_length, rng.uniform(0.12, 0.16))), colour),
        part(
            tube([crown - [0, 0, 0.03], (0, tank_y, seat_z - 0.08), (0, rear - 0.22, seat_z - 0.1)], 0.05), bright * 0.5
        ),
        part(tube([crown - [0, 0, 0.06], (0, crown[1] + 0.16, 0.32), (0, 0.2, 0.28)], 0.035), bright * 0.5),
        part(box((-0.15, -0.22, 0.22), (0.15, 0.2, 0.45)), grey(rng, 0.25, 0.55)),
    ]
    lean = rng.uniform(-0.1, 0.1)
    parts.append(part(cylinder((0, -0.06, 0.42), (0, -0.06 + lean, seat_z - 0.06), 0.12), bright))
    seat_start, seat_end = tank_y + 0.2, rear + rng.uniform(0.02, 0.2)
    kick = {"standard": 0.03, "cruiser": 0.05, "sports": 0.16}[style] * rng.uniform(0.6, 1.2)
    top = [(seat_start, seat_z), (seat_start + 0.5 * (seat_end - seat_start), seat_z), (seat_end, seat_z + kick)]
    rings = [
        [(-w, y, z - 0.1), (w, y, z - 0.1), (w, y, z), (-w, y, z)]
        for (y, z), w in zip(top, (0.09, 0.14, 0.1), strict=True)
    ]
    parts.append(part(loft(rings), leather))
    rear_cover = [
        [(-w, y, z - 0.2), (w, y, z - 0.2), (w, y, z - 0.09), (-w, y, z - 0.09)]
        for (y, z), w in zip(top[1:], (0.12, 0.08), strict=True)
    ]
    parts.append(part(loft(rear_cover), colour))
    if style != "sports":
        parts.append(part(_mudguard(rear, radius, 0.3, 2.0), colour))
    else:
        fairing = [
            [(-w, y, low), (w, y, low), (w, y, high), (-w, y, high)]
            for y, w, low, high in (
                (crown[1] - 0.08, 0.1, 0.7, crown[2]),
                (crown[1] + 0.05, 0.19, 0.45, crown[2] + 0.02),
                (0.15, 0.19, 0.25, 0.7),
            )
        ]
        parts.append(part(loft(fairing), colour))
    height = rng.uniform(0.24, 0.34)
    exhaust = [(0.15, -0.2, 0.4), (0.18, -0.1, height), (0.18, rear - 0.2, height)]
    parts += both_sides(part(tube(exhaust, 0.03), bright))
    parts += both_sides(
        part(cylinder((0.18, rear - 0.35, height), (0.18, rear + 0.18, height + 0.05), 0.05, 0.06), bright)
    )
    return parts, {"front_seat": (0, tank_y + tank_length, seat_z), "back_seat": (0, seat_end, seat_z + kick)}


def _scooter_body(rng, chassis, colour, leather):
    """Leg shield, floor board and rear cowl; returns the parts and the saddle's keypoints."""
    _, crown, rear, radius, seat_z = chassis
    floor = rng.uniform(0.26, 0.32)
    shield_y = crown[1]
    shield = [
        [(-w, y, z), (w, y, z), (w, y + 0.07, z), (-w, y + 0.07, z)]
        for y, z, w in ((shield_y + 0.16, floor, 0.2), (shield_y + 0.1, 0.6, 0.24), (shield_y, crown[2] - 0.02, 0.13))
    ]
    seat_start, seat_end = 0.1, rear + rng.uniform(0.1, 0.2)
    cowl = [
        [(-w, y, low), (w, y, low), (w, y, seat_z - 0.08), (-w, y, seat_z - 0.08)]
        for y, low, w in ((0.14, floor, 0.17), (0.4, floor + 0.04, 0.2), (seat_end, seat_z - 0.26, 0.12))
    ]
    saddle = [
        [(-w, y, seat_z - 0.09), (w, y, seat_z - 0.09), (w, y, seat_z), (-w, y, seat_z)]
        for y, w in ((seat_start, 0.1), (0.35, 0.16), (seat_end, 0.12))
    ]
    parts = [
        part(loft(shield), colour),
        part(box((-0.19, shield_y + 0.16, floor - 0.06), (0.19, 0.3, floor + 0.01)), grey(rng, 0.15, 0.4)),
        part(loft(cowl), colour),
        part(loft(saddle), leather),
        part(_mudguard(rear, radius, 0.4, 2.4), colour),
    ]
    return parts, {"front_seat": (0, seat_start, seat_z), "back_seat": (0, seat_end, seat_z)}


def _top_case(seat_end, colour, black):
    """Luggage box on a carrier behind the saddle."""
    _, y, z = seat_end
    return [
        part(box((-0.08, y - 0.2, z - 0.1), (0.08, y + 0.3, z - 0.05)), black),
        part(box((-0.17, y + 0.03, z - 0.06), (0.17, y + 0.34, z + 0.22)), colour),
    ]


def _mudguard(y, radius, start, end):
    """Arc over a wheel between two angles from straight back (0) over the top."""
    rings = []
    for angle in np.linspace(start, end, 7):
        outward = np.array([0, np.cos(angle), np.sin(angle)])
        centre = np.array([0, y, radius])
        corners = [(side, reach) for side, reach in ((-0.075, 0.015), (0.075, 0.015), (0.06, 0.06), (-0.06, 0.06))]
        rings.append([centre + outward * (radius + reach) + [side, 0, 0] for side, reach in corners])
    return loft(rings)


def _screen(crown, height):
    """Windscreen above the headlight."""
    y, z = crown[1] - 0.1, crown[2] + 0.05
    rings = [
        [(-0.15, y, z), (0.15, y, z), (0.15, y + 0.035, z), (-0.15, y + 0.035, z)],
        [
            (-0.1, y + 0.12, z + height),
            (0.1, y + 0.12, z + height),
            (0.1, y + 0.155, z + height),
            (-0.1, y + 0.155, z + height),
        ],
    ]
    return loft(rings)
