"""Boats: sailing boats with one or two masts, motor boats, fishing boats and rowing boats."""

import numpy as np

from pipeline.simulation.shapes.colours import glass, grey, metal, paint, wood
from pipeline.simulation.shapes.primitives import box, cylinder, loft, plate, tube
from pipeline.simulation.shapes.shape import Shape, assemble, both_sides, pair_keypoints, part, repainted

STYLES = ("sailing", "motor", "fishing", "rowing")
BOW, STERN = -5.0, 5.0


def make_boat(rng: np.random.Generator) -> Shape:
    """A boat with a hull of length 10 and the superstructure of its style.

    `sail_top`, the masthead, is a keypoint of the boats that have a mast.
    """
    style = str(rng.choice(STYLES, p=[0.4, 0.3, 0.2, 0.1]))
    beam = rng.uniform(1.2, 1.7) if style in ("sailing", "rowing") else rng.uniform(1.5, 2.1)
    depth = rng.uniform(1.3, 2.1)
    rise = rng.uniform(0.3, 0.9)
    transom = rng.uniform(0.45, 0.75) if style == "sailing" else rng.uniform(0.75, 0.95)
    colour = paint(rng) if rng.random() < 0.6 else grey(rng, 0.75, 0.95)
    deck_colour = wood(rng) if rng.random() < 0.5 else grey(rng, 0.6, 0.95)

    y, half, keel, deck = _lines(beam, depth, rise, transom).T
    parts = [_hull(y, half, keel, deck, (colour, paint(rng), deck_colour))]
    keypoints = {
        "head": (0, BOW, deck[0]),
        "head_down": (0, y[2], keel[2]),
        "tail": (0, STERN, deck[-1]),
        "tail_down": (0, STERN, keel[-1]),
    }
    keypoints |= pair_keypoints("head_{}", (half[2], y[2], deck[2]))
    keypoints |= pair_keypoints("tail_{}", (half[-1], STERN, deck[-1]))
    if style == "sailing":
        rig, keypoints["sail_top"] = _sails(rng, depth, beam)
    elif style == "motor":
        rig = _cabin(rng, depth, beam)
    elif style == "fishing":
        rig, keypoints["sail_top"] = _wheelhouse(rng, depth, beam)
    else:
        rig = _benches(rng, depth, beam)
    return assemble(parts + rig, keypoints)


def _lines(beam, depth, rise, transom):
    """The hull's lines: rows of y, half width, keel z and deck z from bow to stern."""
    share = np.array([0.0, 0.05, 0.14, 0.28, 0.45, 0.65, 0.85, 1.0])
    plan = np.interp(share, [0, 0.05, 0.14, 0.28, 0.45, 0.65, 1], [0.05, 0.25, 0.52, 0.82, 1, 1, transom])
    keel = depth * np.interp(share, [0, 0.05, 0.14, 0.28, 0.85, 1], [0.8, 0.45, 0.15, 0, 0, 0.12])
    return np.stack([BOW + share * (STERN - BOW), beam * plan, keel, depth + rise * (1 - share) ** 2], axis=1)


def _hull(y, half, keel, deck, colours):
    """Hard-chined hull; colours of topsides, bottom and deck."""
    rings = []
    for station, width, low, high in zip(y, half, keel, deck, strict=True):
        right = [(0.12 * width, low), (0.85 * width, low + 0.4 * (high - low)), (width, high)]
        rings.append([(x, station, z) for x, z in right] + [(-x, station, z) for x, z in right[::-1]])
    shell = part(loft(rings), colours[0])
    panel = np.arange(len(shell.faces)) // 2 % 6
    skin = np.arange(len(shell.faces)) < 12 * (len(y) - 1)
    shell = repainted(shell, skin & np.isin(panel, [0, 4, 5]), colours[1])
    return repainted(shell, skin & (panel == 2), colours[2])


def _sails(rng, depth, beam):
    """One or two masts with mainsail, sometimes a jib, and a low cabin; returns the masthead too."""
    masts = [(rng.uniform(-1.2, -0.4), rng.uniform(8.0, 12.0))]
    if rng.random() < 0.25:
        masts.append((masts[0][0] + 3.2, masts[0][1] * rng.uniform(0.6, 0.8)))
    canvas = grey(rng, 0.8, 0.97) if rng.random() < 0.65 else paint(rng)
    spar = metal(rng) if rng.random() < 0.5 else wood(rng)
    hoisted = rng.random() < 0.8
    parts = []
    for y, height in masts:
        boom, foot = depth + rng.uniform(0.9, 1.3), y + (3.0 if len(masts) == 2 else 4.4)
        parts.append(part(cylinder((0, y, depth - 0.2), (0, y, depth + height), 0.15, 0.12, sides=8), spar))
        parts.append(part(tube([(0, y, boom), (0, foot, boom)], 0.12), spar))
        if hoisted:
            parts.append(part(plate([(y, boom), (foot - 0.2, boom + 0.1), (y, depth + 0.96 * height)], 0.14), canvas))
        else:
            parts.append(part(tube([(0, y + 0.2, boom + 0.2), (0, foot - 0.2, boom + 0.2)], 0.24), canvas))
    y, height = masts[0]
    if rng.random() < 0.7:
        top = depth + height * rng.uniform(0.7, 0.92)
        if hoisted:
            parts.append(part(plate([(BOW + 0.3, depth + 0.7), (y - 0.35, depth + 0.8), (y - 0.1, top)], 0.12), canvas))
        else:
            parts.append(part(tube([(0, BOW + 0.2, depth + 0.4), (0, y, top)], 0.09), spar))
    low, wide = _trunk(beam * 0.55, depth - 0.1, depth + rng.uniform(0.45, 0.8), y + 0.2, y + 3.0), grey(rng, 0.7, 0.95)
    return [*parts, part(low, wide)], (0, y, depth + height)


def _cabin(rng, depth, beam):
    """Motor boat: a glazed cabin, perhaps a flying bridge, perhaps two outboard motors."""
    wall = grey(rng, 0.75, 0.97)
    start, length, height = rng.uniform(-2.6, -1.2), rng.uniform(2.8, 4.6), rng.uniform(1.1, 1.7)
    wide, sill = beam * 0.72, depth + 0.45 * height
    parts = [
        part(_trunk(wide, depth - 0.1, sill, start, start + length), wall),
        part(_trunk(wide * 0.94, sill, depth + height * 0.85, start + 0.25, start + length - 0.1), glass(rng)),
        part(box((-wide, start + 0.5, depth + height * 0.85), (wide, start + length + 0.3, depth + height)), wall),
    ]
    if rng.random() < 0.4:
        bridge = _trunk(wide * 0.75, depth + height, depth + height + 0.8, start + 1.0, start + length - 0.4)
        parts.append(part(bridge, paint(rng) if rng.random() < 0.4 else wall))
    if rng.random() < 0.4:
        motor = box((0.25, STERN - 0.1, depth * 0.2), (0.7, STERN + 0.7, depth + 0.7))
        parts += both_sides(part(motor, grey(rng, 0.1, 0.3)))
    return parts


def _wheelhouse(rng, depth, beam):
    """Fishing boat or small ship: tall wheelhouse fore or aft, mast and derrick, perhaps a funnel."""
    wall = grey(rng, 0.75, 0.97) if rng.random() < 0.7 else paint(rng)
    start = rng.uniform(-2.6, -1.6) if rng.random() < 0.5 else rng.uniform(0.8, 1.8)
    height, wide = rng.uniform(2.0, 3.2), beam * 0.6
    pane = box((-wide - 0.05, start - 0.05, depth + 0.6 * height), (wide + 0.05, start + 1.9, depth + 0.85 * height))
    parts = [
        part(box((-wide, start, depth - 0.1), (wide, start + 2.2, depth + height)), wall),
        part(pane, glass(rng)),
        part(
            box((-wide * 1.1, start - 0.2, depth + height), (wide * 1.1, start + 2.4, depth + height + 0.2)), paint(rng)
        ),
    ]
    mast_y, mast_height = (start + 3.4 if start < 0 else start - 2.6), height + rng.uniform(1.5, 3.5)
    spar = metal(rng)
    parts.append(part(cylinder((0, mast_y, depth - 0.2), (0, mast_y, depth + mast_height), 0.17, 0.13, sides=8), spar))
    parts.append(part(tube([(0, mast_y, depth + 1.0), (0, mast_y + 1.8, depth + 0.75 * mast_height)], 0.11), spar))
    if rng.random() < 0.5:
        funnel = cylinder((0, start + 1.4, depth + height), (0, start + 1.6, depth + height + 1.2), 0.42)
        parts.append(part(funnel, paint(rng)))
    return parts, (0, mast_y, depth + mast_height)


def _benches(rng, depth, beam):
    """Rowing boat: thwarts across the hull, and oars on both sides."""
    timber = wood(rng)
    parts = [
        part(box((-beam * 0.9, y - 0.3, depth), (beam * 0.9, y + 0.3, depth + 0.35)), timber)
        for y in np.linspace(-2, 2.6, int(rng.integers(2, 5)))
    ]
    reach = rng.uniform(1.8, 2.6)
    oar = tube([(0.3, 0.4, depth + 0.75), (beam, 0.6, depth + 0.45), (beam + reach, 1.1, depth - 0.5)], 0.14)
    tip = np.array([beam + reach, 1.1, depth - 0.5])
    blade_part = part(box(tip - [0.7, 0.3, 0.08], tip + [0.1, 0.3, 0.12]), timber)
    return parts + both_sides(part(oar, timber)) + both_sides(blade_part)


def _trunk(half, low, high, start, end):
    """Low cabin with sloping front and sides."""
    slope = 0.5 * (high - low)
    rings = []
    for shrink, z in ((0.0, low), (1.0, high)):
        x, front, back = half * (1 - 0.1 * shrink), start + slope * shrink, end - 0.3 * slope * shrink
        rings.append([(-x, front, z), (x, front, z), (x, back, z), (-x, back, z)])
    return loft(rings)
