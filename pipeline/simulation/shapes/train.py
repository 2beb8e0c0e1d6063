"""Trains: a locomotive or power car with up to two coaches, with flat, slanted or streamlined nose."""

from typing import NamedTuple

import numpy as np

from pipeline.simulation.shapes.colours import glass, grey, metal, paint
from pipeline.simulation.shapes.primitives import box, cylinder, loft, tube
from pipeline.simulation.shapes.shape import Shape, assemble, both_sides, pair_keypoints, part
from pipeline.simulation.shapes.wagon import wagon

NOSES = {"flat": (0.15, 0.3), "slanted": (0.8, 1.6), "streamlined": (2.6, 4.2)}
GAP = 0.35


class Head(NamedTuple):
    """The front of a train; metres."""

    style: str
    """One of `NOSES`."""
    front: float
    """Place of the front end along y."""
    nose: float
    """Length of the nose, which ends at the full section of the car."""
    half: float
    """Half the width of the car's walls."""
    roof_half: float
    clearance: float
    """Height of the car's underside."""
    height: float
    """Height of the roof."""


def make_train(rng: np.random.Generator) -> Shape:
    """A train with random nose, number of coaches, proportions, livery and roof equipment; metres, front at -y.

    The keypoints are those of the head's front, the joint behind the first car, and the tail.
    """
    style = str(rng.choice(list(NOSES)))
    coaches = int(rng.integers(0, 3))
    head_length = rng.uniform(9.0, 12.0) if coaches < 2 else rng.uniform(7.0, 9.0)
    coach_length = rng.uniform(6.5, 8.5)
    half, clearance = rng.uniform(1.35, 1.6), rng.uniform(0.75, 0.95)
    height = rng.uniform(3.6, 4.3)
    roof_half = half * rng.uniform(0.72, 0.92)
    nose = rng.uniform(*NOSES[style])
    low = clearance + (height - clearance) * rng.uniform(0.42, 0.52)
    band = (low, clearance + (height - clearance) * rng.uniform(0.75, 0.85))
    colour, window, front_colour = paint(rng), glass(rng), paint(rng)
    coach_colour = colour if rng.random() < 0.7 else paint(rng)
    if rng.random() < 0.4:
        front_colour = colour

    # The head car ends at y = 0; coaches follow.
    front = -head_length
    head = Head(style, front, nose, half, roof_half, clearance, height)
    size = (half, roof_half), (clearance, height), [band]
    parts = [part(_nose(head), front_colour)]
    parts.append(wagon((front + nose, 0.0), *size, int(rng.integers(3, 7)), (colour, window)))
    parts += _windscreen(head, band, window)
    cars = [(front + nose * 0.5, 0.0)]
    tail = 0.0
    for _ in range(coaches):
        start = tail + GAP
        parts.append(
            part(
                box((-0.7 * half, tail - 0.1, clearance + 0.1), (0.7 * half, start + 0.1, height - 0.5)),
                grey(rng, 0.1, 0.2),
            )
        )
        tail = start + coach_length
        parts.append(wagon((start, tail), *size, int(rng.integers(3, 6)), (coach_colour, window)))
        cars.append((start, tail))
    bogie = grey(rng, 0.1, 0.3)
    for start, end in cars:
        parts += _bogies(start, end, half, clearance, bogie)
    parts += _roof_equipment(rng, front + nose, height, half)

    lamp = part(
        box((0.45 * half, front - 0.08, clearance + 0.35), (0.7 * half, front + 0.2, clearance + 0.65)),
        (0.95, 0.95, 0.85),
    )
    parts += both_sides(lamp)
    tip_half, _ = _tip(head)
    keypoints = {"head_top": (0, front + nose, height)}
    keypoints |= pair_keypoints("head_{}_bottom", (tip_half, front, clearance))
    keypoints |= pair_keypoints("head_{}_top", (roof_half, front + nose, height))
    middle = 0.0 if coaches else front + nose + 0.5 * (head_length - nose)
    for name, y in (("mid", middle), ("tail", tail)):
        keypoints |= pair_keypoints(f"{name}_{{}}_bottom", (half, y, clearance))
        keypoints |= pair_keypoints(f"{name}_{{}}_top", (roof_half, y, height))
    return assemble(parts, keypoints)


def _tip(head):
    """Half width and upper z of the nose's front end."""
    if head.style == "streamlined":
        return 0.5 * head.half, head.clearance + 0.32 * (head.height - head.clearance)
    if head.style == "slanted":
        return 0.92 * head.half, head.clearance + 0.5 * (head.height - head.clearance)
    return 0.97 * head.half, head.height - 0.25


def _nose(head):
    """The hull between the front end and the full section of the car."""
    style, front, nose, half, roof_half, clearance, height = head
    end = front + nose
    tip_half, tip_top = _tip(head)
    rings = []
    for share in np.linspace(0, 1, 2 if style == "flat" else 6):
        # A quarter wave rounds the streamlined nose; the others are straight.
        bend = np.sin(share * np.pi / 2) if style == "streamlined" else share
        foot, top = tip_half + (half - tip_half) * bend, tip_top + (height - tip_top) * bend
        roof = foot + (roof_half - half) * share
        waist = clearance + 0.55 * (top - clearance)
        y = front + (end - front) * share
        right = [(foot, y, clearance), (foot, y, waist), (roof, y, top)]
        rings.append(right + [(-x, py, z) for x, py, z in right[::-1]])
    return loft(rings)


def _windscreen(head, band, window):
    """Pane that lies on the front: upright, or following the slope of the nose.

    `band` are the lower and the upper edge of the side windows.
    """
    style, front, nose, half, roof_half, _, height = head
    if style == "flat":
        return [part(box((-0.75 * half, front - 0.05, band[0]), (0.75 * half, front + 0.1, height - 0.4)), window)]
    shares = (0.35, 0.8) if style == "slanted" else (0.42, 0.75)
    _, tip_top = _tip(head)
    rings = []
    for share in shares:
        bend = np.sin(share * np.pi / 2) if style == "streamlined" else share
        y, z = front + nose * share, tip_top + (height - tip_top) * bend
        x = roof_half * (0.55 + 0.3 * share)
        rings.append([(-x, y, z - 0.25), (x, y, z - 0.25), (x, y, z + 0.06), (-x, y, z + 0.06)])
    return [part(loft(rings), window)]


def _bogies(start, end, half, clearance, colour):
    parts = []
    radius = clearance * 0.52
    for centre in (start + 0.22 * (end - start), end - 0.22 * (end - start)):
        parts.append(
            part(box((-0.8 * half, centre - 1.1, 0.5 * radius), (0.8 * half, centre + 1.1, clearance + 0.05)), colour)
        )
        for y in (centre - 0.7, centre + 0.7):
            parts += both_sides(part(cylinder((0.6 * half, y, radius), (0.88 * half, y, radius), radius), colour * 0.6))
    return parts


def _roof_equipment(rng, start, height, half):
    """A pantograph, cooling units, or nothing."""
    kind = rng.random()
    if kind < 0.4:
        y, reach, bar = start + 1.5, rng.uniform(0.9, 1.4), metal(rng) * 0.6
        arm = part(
            tube([(0.3, y, height - 0.05), (0.3, y + 1.2, height + 0.5 * reach), (0.3, y, height + reach)], 0.11), bar
        )
        bow = part(box((-0.7, y - 0.14, height + reach - 0.08), (0.7, y + 0.14, height + reach + 0.08)), bar)
        return [*both_sides(arm), bow]
    if kind < 0.7:
        colour = grey(rng, 0.3, 0.7)
        return [
            part(box((-0.5 * half, start + y, height - 0.1), (0.5 * half, start + y + 1.4, height + 0.3)), colour)
            for y in (0.9, 3.2)
        ]
    return []
