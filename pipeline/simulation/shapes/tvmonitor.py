"""Television sets and computer monitors: flat screens on many kinds of stands, and tube sets."""

import numpy as np

from pipeline.simulation.shapes.colours import grey, hsv, metal, wood
from pipeline.simulation.shapes.primitives import box, cylinder, loft
from pipeline.simulation.shapes.shape import Shape, assemble, both_sides, pair_keypoints, part

STANDS = ("post", "disc", "feet", "none", "soundbar")


def make_tvmonitor(rng: np.random.Generator) -> Shape:
    """A screen of half width 1; a third are tube sets with a deep back."""
    tube_set = rng.random() < 1 / 3
    aspect = rng.uniform(1.15, 1.35) if tube_set else rng.uniform(1.3, 1.85)
    height = 2 / aspect
    depth = rng.uniform(0.16, 0.32)
    bezel = rng.uniform(0.06, 0.16)
    chin = bezel + (rng.uniform(0.05, 0.25) if rng.random() < 0.4 else 0.0)
    case = grey(rng, 0.05, 0.3) if rng.random() < 0.6 else grey(rng, 0.5, 0.9)
    if tube_set and rng.random() < 0.3:
        case = wood(rng)

    screen = hsv(rng, (0.0, 1.0), (0.1, 0.7), (0.05, 0.2) if rng.random() < 0.5 else (0.5, 0.95))
    parts = [part(box((-1, -depth, 0), (1, 0, height)), case)]
    parts.append(part(box((-1 + bezel, -depth - 0.02, chin), (1 - bezel, -depth + 0.05, height - bezel)), screen))
    if tube_set:
        back_y, taper = rng.uniform(0.6, 1.1), rng.uniform(0.5, 0.75)
        back_half, back_low, back_high = taper, 0.12 * height, height * rng.uniform(0.75, 0.9)
        shoulder = _rectangle(0.94, 0.04 * height, 0.96 * height, 0.0)
        parts.append(part(loft([shoulder, _rectangle(back_half, back_low, back_high, back_y)]), grey(rng, 0.1, 0.35)))
    else:
        back_y = rng.uniform(0.08, 0.2)
        back_half, back_low, back_high = rng.uniform(0.75, 0.9), 0.12 * height, 0.88 * height
        parts.append(
            part(
                loft([_rectangle(0.95, 0.05, height - 0.05, 0.0), _rectangle(back_half, back_low, back_high, back_y)]),
                case,
            )
        )
    parts += _stand(rng, "none" if tube_set and rng.random() < 0.7 else str(rng.choice(STANDS)), depth, back_y, case)

    keypoints = {}
    for name, half, y, low, high in (
        ("front", 1.0, -depth, 0.0, height),
        ("back", back_half, back_y, back_low, back_high),
    ):
        keypoints |= pair_keypoints(f"{name}_bottom_{{}}", (half, y, low))
        keypoints |= pair_keypoints(f"{name}_top_{{}}", (half, y, high))
    return assemble(parts, keypoints)


def _rectangle(half, low, high, y):
    return [(-half, y, low), (half, y, low), (half, y, high), (-half, y, high)]


def _stand(rng, kind, depth, back_y, case):
    """Stand or feet of the set, below z = 0."""
    colour = metal(rng) if rng.random() < 0.4 else case
    drop = rng.uniform(0.15, 0.4)
    reach = rng.uniform(0.3, 0.45)
    middle = (back_y - depth) / 2
    if kind == "none":
        return []
    if kind == "feet":
        x = rng.uniform(0.5, 0.8)
        foot = [
            (x - 0.05, middle - reach, -0.2),
            (x + 0.05, middle - reach, -0.2),
            (x + 0.05, middle + reach, -0.2),
            (x - 0.05, middle + reach, -0.2),
        ]
        top = [(px, middle + 0.25 * (py - middle), 0.03) for px, py, _ in foot]
        return both_sides(part(loft([foot, top]), colour))
    if kind == "soundbar":
        return [part(box((-0.7, middle - 0.2, -0.2), (0.7, middle + 0.2, 0.01)), colour)]
    parts = [part(box((-0.12, middle - 0.06, -drop), (0.12, middle + 0.06, 0.05)), colour)]
    if kind == "disc":
        return [*parts, part(cylinder((0, middle, -drop - 0.05), (0, middle, -drop), reach * 1.2, sides=20), colour)]
    half = rng.uniform(0.35, 0.65)
    return [*parts, part(box((-half, middle - reach, -drop - 0.06), (half, middle + reach, -drop)), colour)]
