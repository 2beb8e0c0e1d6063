"""Chairs: dining chairs, armchairs and swivel chairs, with many kinds of legs and backs."""

from typing import NamedTuple

import numpy as np

from pipeline.simulation.shapes.colours import grey, metal, paint, rubber, wood
from pipeline.simulation.shapes.primitives import box, cylinder, loft, tube
from pipeline.simulation.shapes.shape import Shape, assemble, both_sides, pair_keypoints, part

BACKS = ("panel", "slats", "bars", "frame", "narrow")
BASES = ("straight", "splayed", "tapered", "sled", "star4", "star5", "block")


class Measures(NamedTuple):
    """Places of a chair's edges, in metres: half its width, then y from front to back, then z upwards."""

    half: float
    front: float
    back: float
    underside: float
    seat: float
    """Height of the seat's upper side."""
    total: float
    """Height of the backrest's upper edge."""
    recline: float
    """Distance along y between the lower and the upper edge of the backrest."""
    bar: float
    """Half the width of legs and posts."""


def make_chair(rng: np.random.Generator) -> Shape:
    """A chair with random proportions, base, back and, in half of the cases, armrests."""
    half = rng.uniform(0.19, 0.29)
    depth = rng.uniform(0.38, 0.55)
    seat_height = rng.uniform(0.40, 0.55)
    seat_thickness = rng.uniform(0.04, 0.09)
    total = seat_height + rng.uniform(0.38, 0.62)
    recline = rng.uniform(0.0, 0.12)
    front, back = -depth / 2, depth / 2
    base = str(rng.choice(BASES, p=[0.28, 0.16, 0.16, 0.1, 0.08, 0.12, 0.1]))
    frame = metal(rng) if base in ("sled", "star4", "star5") or rng.random() < 0.2 else wood(rng)
    if rng.random() < 0.2:
        frame = grey(rng, 0.08, 0.95)
    fabric = frame if rng.random() < 0.3 else paint(rng)
    bar = rng.uniform(0.022, 0.032)

    underside = seat_height - seat_thickness
    parts = [part(box((-half, front, underside), (half, back, seat_height)), fabric)]
    measures = Measures(half, front, back, underside, seat_height, total, recline, bar)
    parts += _back(rng, measures, frame, fabric)
    legs, feet = _base(rng, base, measures, frame)
    parts += legs
    if rng.random() < 0.5:
        rest = seat_height + rng.uniform(0.16, 0.26)
        x = half - bar * 0.5
        start, end = front + 0.1 * depth, back
        parts += both_sides(part(box((x - bar, start, rest - 0.025), (x + bar, end + 0.01, rest + 0.015)), frame))
        parts += both_sides(part(box((x - bar, start, underside), (x + bar * 0.6, start + 0.045, rest)), frame))

    keypoints = pair_keypoints("back_upper_{}", (half, back + recline, total))
    keypoints |= pair_keypoints("seat_upper_{}", (half, back, seat_height))
    keypoints |= pair_keypoints("seat_lower_{}", (half, front, seat_height))
    return assemble(parts, keypoints | feet)


def _back(rng, measures, frame, fabric):
    """The backrest; its upper corners are at (+-half, back + recline, total)."""
    half, _, back, _, seat, total, recline, bar = measures
    kind = str(rng.choice(BACKS))
    thick = rng.uniform(0.035, 0.06)

    def slab(x0, x1, low, high, colour, thickness=thick):
        """Panel between two heights of the inclined back plane."""
        rings = []
        for z in (low, high):
            y = back + recline * (z - seat) / (total - seat)
            rings.append([(x0, y - thickness, z), (x1, y - thickness, z), (x1, y, z), (x0, y, z)])
        return part(loft(rings), colour)

    if kind == "panel":
        return [slab(-half, half, seat - 0.02, total, fabric)]
    posts = both_sides(slab(half - 2 * bar, half, seat, total, frame))
    rail = rng.uniform(0.05, 0.1)
    top = slab(-half, half, total - rail, total, frame)
    if kind == "narrow":
        # Upholstered pad on two posts, with a gap above the seat.
        low = seat + (total - seat) * rng.uniform(0.3, 0.5)
        posts = both_sides(slab(half - 2.3 * bar, half - 0.3 * bar, seat, low + 0.01, frame))
        return [*posts, slab(-half, half, low, total, fabric, thick + 0.02)]
    if kind == "frame":
        low = seat + rng.uniform(0.08, 0.14)
        return [*posts, top, slab(-half + 2 * bar, half - 2 * bar, low, total - rail, fabric, thick * 0.6)]
    if kind == "bars":
        count = int(rng.integers(2, 5))
        heights = np.linspace(seat + 0.1, total - rail - 0.06, count)
        return [*posts, top, *(slab(-half, half, z - 0.025, z + 0.025, frame, thick * 0.7) for z in heights)]
    count = int(rng.integers(2, 4))
    slats = [top, *posts]
    for x in (np.arange(count) + 0.5) / count * (half - 2 * bar):
        slats += both_sides(slab(x - bar * 0.8, x + bar * 0.8, seat - 0.01, total - rail / 2, frame, thick * 0.7))
    return slats


def _base(rng, kind, measures, frame):
    """Legs or another base, and its four keypoints on the floor: `upper` at the back, `lower` in front."""
    half, front, back, underside, *_, bar = measures
    parts, corners = [], {"lower": (half, front), "upper": (half, back)}
    if kind == "block":
        parts = [part(box((-half, front, 0.03), (half, back, underside)), frame)]
        feet = {name: (x, y, 0.03) for name, (x, y) in corners.items()}
    elif kind in ("star4", "star5"):
        return _star(rng, 4 if kind == "star4" else 5, half, underside, frame)
    else:
        spread = rng.uniform(0.03, 0.08) if kind == "splayed" else 0.0
        taper = rng.uniform(0.55, 0.75) if kind == "tapered" else 1.0
        feet = {}
        for name, (x, y) in corners.items():
            outward = np.array([1.0, np.sign(y)])
            top, foot = np.array([x, y]) - bar * outward, np.array([x, y]) - bar * outward + spread * outward
            parts += both_sides(part(_leg(top, foot, bar, bar * taper, underside), frame))
            feet[name] = (*(foot + bar * taper * outward), 0.0)
        if kind == "sled":
            x = half - 2 * bar
            parts += both_sides(part(box((x, front, 0.0), (half, back, 2 * bar)), frame))
        elif rng.random() < 0.35:
            x, z = half - 2 * bar, underside * rng.uniform(0.25, 0.5)
            parts += both_sides(part(box((x, front, z), (x + 1.4 * bar, back, z + 1.6 * bar)), frame))
    keypoints = {}
    for name, foot in feet.items():
        keypoints |= pair_keypoints(f"leg_{name}_{{}}", foot)
    return parts, keypoints


def _leg(top, foot, top_half, foot_half, height):
    """Square leg from the floor to `height`."""
    rings = []
    for (x, y), side, z in ((foot, foot_half, 0.0), (top, top_half, height)):
        rings.append(
            [(x - side, y - side, z), (x + side, y - side, z), (x + side, y + side, z), (x - side, y + side, z)]
        )
    return loft(rings)


def _star(rng, arms, half, underside, frame):
    """Central column on a star of arms with castors."""
    reach, radius = half * rng.uniform(1.1, 1.35), 0.028
    directions = 45 + 90 * np.arange(4) if arms == 4 else 90 + 72 * np.arange(5)
    column = cylinder((0, 0, 0.09), (0, 0, underside + 0.01), 0.03, sides=10)
    parts, keypoints = [part(column, frame)], {}
    castor = rubber(rng)
    for angle in np.deg2rad(directions):
        x, y = reach * np.cos(angle), reach * np.sin(angle)
        if x < -1e-6:
            continue
        arm = part(tube([(0, 0, 0.12), (x, y, 0.075)], radius * 0.9), frame)
        wheel = part(cylinder((x - 0.025, y, 0.045), (x + 0.025, y, 0.045), 0.045, sides=10), castor)
        parts += [arm, wheel] if abs(x) < 1e-6 else both_sides(arm) + both_sides(wheel)
        if x > 1e-6:
            name = "upper" if y > 0 else "lower"
            keypoints |= pair_keypoints(f"leg_{name}_{{}}", (x + 0.025, y, 0.045))
    return parts, keypoints
