"""Bottles: wine, beer, soft drink and water bottles, flasks and jars, round or square."""

import numpy as np

from pipeline.simulation.shapes.colours import hsv, metal, paint
from pipeline.simulation.shapes.primitives import Mesh, loft
from pipeline.simulation.shapes.shape import Shape, assemble, face_centres, part, repainted

SIDES = 24
STYLES = {
    # Shares of the height: top of the body, end of the shoulder; half width of the neck as a share of the body's.
    "wine": ((0.58, 0.68), (0.70, 0.80), (0.30, 0.38)),
    "beer": ((0.48, 0.58), (0.68, 0.78), (0.36, 0.46)),
    "water": ((0.66, 0.78), (0.84, 0.90), (0.36, 0.50)),
    "flask": ((0.40, 0.50), (0.62, 0.72), (0.28, 0.40)),
    "jar": ((0.70, 0.80), (0.84, 0.90), (0.60, 0.75)),
}


def make_bottle(rng: np.random.Generator) -> Shape:
    """A bottle of height 1 with random profile, waist, section, label and cap."""
    style = str(rng.choice(list(STYLES)))
    half = rng.uniform(0.20, 0.28) if style in ("flask", "jar") else rng.uniform(0.12, 0.19)
    body_top, shoulder, neck_share = (rng.uniform(*limits) for limits in STYLES[style])
    neck = half * neck_share
    waist = half * (rng.uniform(0.78, 0.9) if style == "water" and rng.random() < 0.6 else 1.0)
    roundness = rng.uniform(0.3, 0.5) if rng.random() < 0.2 else 1.0
    middle = body_top / 2
    label_low, label_high = middle * rng.uniform(0.3, 0.7), middle * rng.uniform(1.3, 1.7)
    cap_low = 1 - rng.uniform(0.05, 0.10)

    # Shoulder: from the body's to the neck's width, bulging outwards or inwards.
    rise = np.linspace(0, 1, 6)[1:]
    fall = (1 + np.cos(np.pi * rise ** rng.uniform(0.8, 1.5))) / 2
    profile = [
        (half * rng.uniform(0.92, 0.99), 0.0),
        (half, 0.03),
        (half, label_low),
        (waist, middle),
        (half, label_high),
        (half, body_top),
        *zip(neck + (half - neck) * fall, body_top + (shoulder - body_top) * rise, strict=True),
        (neck * rng.uniform(0.85, 1.0), cap_low),
        (neck, 1.0),
    ]
    colour = hsv(rng, (0.05, 0.6), (0.3, 0.9), (0.2, 0.85)) if rng.random() < 0.7 else paint(rng)
    vessel = part(_vessel(profile, roundness), colour)
    if rng.random() < 0.75:
        height = face_centres(vessel)[:, 2]
        vessel = repainted(vessel, (height > label_low) & (height < label_high), paint(rng))
    parts, mouth, top = [vessel], neck, 1.0
    if rng.random() < 0.65:
        mouth, top = neck * 1.15, 1.02
        parts.append(
            part(_vessel([(mouth, cap_low), (mouth, top)], roundness), metal(rng) if rng.random() < 0.4 else paint(rng))
        )

    keypoints = {}
    for name, radius, z in (("body", waist, middle), ("bottom", profile[0][0], 0.0), ("mouth", mouth, top)):
        # The flat side of the polygon lies a little inside the circle.
        side = radius * np.cos(np.pi / SIDES) ** roundness
        keypoints |= {name: (0, -side, z), f"{name}_left": (-side, 0, z), f"{name}_right": (side, 0, z)}
    return assemble(parts, keypoints)


def _vessel(profile: list[tuple[float, float]], roundness: float) -> Mesh:
    """Horizontal superelliptic sections; `profile` lists (half width, z)."""
    angles = 2 * np.pi * (np.arange(SIDES) + 0.5) / SIDES
    x, y = (np.sign(wave) * np.abs(wave) ** roundness for wave in (np.cos(angles), np.sin(angles)))
    return loft([np.stack([width * x, width * y, np.full(SIDES, z)], axis=1) for width, z in profile])
