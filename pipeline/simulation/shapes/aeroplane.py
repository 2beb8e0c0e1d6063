"""Aeroplanes: airliners, business jets, propeller planes and fighters."""

import numpy as np

from pipeline.simulation.shapes.colours import glass, grey, metal, paint, rubber
from pipeline.simulation.shapes.primitives import blade, body, box, cylinder, ellipsoid, loft, revolve
from pipeline.simulation.shapes.shape import (
    Shape,
    assemble,
    both_sides,
    face_centres,
    face_normals,
    pair_keypoints,
    part,
    repainted,
)

STYLES = ("airliner", "business", "propeller", "fighter")
BACKWARD = (0.0, 1.0, 0.0)


def make_aeroplane(rng: np.random.Generator) -> Shape:
    """An aeroplane of random style; lengths are relative to a fuselage of length 10 from nose (-5) to tail (5)."""
    style = str(rng.choice(STYLES, p=[0.45, 0.2, 0.2, 0.15]))
    radius = rng.uniform(0.52, 0.72)
    span = {"airliner": (4.3, 5.4), "business": (3.8, 4.6), "propeller": (5.0, 6.2), "fighter": (2.8, 3.6)}[style]
    half_span = rng.uniform(*span)
    sweep = rng.uniform(*{"propeller": (0.0, 0.3), "fighter": (1.2, 2.0)}.get(style, (1.4, 2.6)))
    colour = grey(rng, 0.7, 0.97) if rng.random() < 0.5 else paint(rng)
    trim, metalwork = paint(rng), metal(rng)

    fuselage = part(_fuselage(radius), colour)
    centres = face_centres(fuselage)
    stripe = (np.abs(centres[:, 2] - 0.1 * radius) < 0.35 * radius) & (np.abs(face_normals(fuselage)[:, 0]) > 0.5)
    striped = rng.random() < 0.6
    parts = [repainted(fuselage, stripe, trim) if striped else fuselage]
    parts.append(part(ellipsoid((0, -3.75, radius * 0.52), (radius * 0.6, 0.7, radius * 0.55)), glass(rng)))

    high_wing = style == "propeller" and rng.random() < 0.6
    wing_z = radius * 0.85 if high_wing else rng.uniform(-0.5, -0.2) * radius
    root_chord = rng.uniform(1.5, 1.9) if style == "propeller" else rng.uniform(2.2, 3.0)
    tip_chord = root_chord * rng.uniform(0.6, 0.9) if style == "propeller" else rng.uniform(0.6, 0.9)
    root_y = rng.uniform(-1.2, -0.5) if style == "propeller" else rng.uniform(-0.4, 0.4)
    tip = np.array([half_span, root_y + sweep, wing_z + half_span * rng.uniform(0.0, 0.09)])
    wing = blade((0, root_y, wing_z), tip, root_chord, tip_chord, 0.42)
    parts += both_sides(part(wing, colour if rng.random() < 0.6 else metalwork))
    parts += _engines(rng, style, radius, (root_y, wing_z, tip), metalwork, trim)

    fin_height = rng.uniform(1.5, 2.1)
    fin_root, fin_tip, fin_thickness = rng.uniform(1.5, 2.0), rng.uniform(0.75, 1.0), 0.3
    fin_top = np.array([0, 4.9 + rng.uniform(0.0, 0.3) - fin_tip / 2, radius * 0.5 + fin_height])
    fin_base = np.array([0, 4.75 - fin_root / 2, radius * 0.5])
    fin = blade(fin_base, fin_top, fin_root, fin_tip, fin_thickness, normal=(1, 0, 0))
    parts.append(part(fin, trim if rng.random() < 0.7 else colour))

    t_tail = style == "business" or (style == "airliner" and rng.random() < 0.15)
    stabiliser_z = fin_top[2] - 0.1 if t_tail else radius * 0.3
    root = np.array([0, fin_top[1] if t_tail else 4.2, stabiliser_z])
    elevator = np.array([rng.uniform(1.5, 2.0), root[1] + sweep * rng.uniform(0.2, 0.4), stabiliser_z])
    stabiliser_chord = rng.uniform(0.7, 0.9)
    stabiliser = blade(root, elevator, rng.uniform(1.0, 1.3), stabiliser_chord, 0.26)
    parts += both_sides(part(stabiliser, colour))

    if rng.random() < 0.45 or style == "propeller":
        parts += _landing_gear(radius, root_y, rubber(rng), metalwork)

    keypoints = {
        "noselanding": (0, -4.1, FUSELAGE_NOSE_LOW * radius),
        "rudder_lower": (0, fin_base[1] - fin_root / 2 + 0.1, _fuselage_top(fin_base[1] - fin_root / 2 + 0.1, radius)),
        "rudder_upper": fin_top + [0, fin_tip / 2, 0],
        "tail": (0, 5.5, 0.25 * radius) if style == "fighter" else (0, 5.0, 0.3 * radius),
    }
    keypoints |= pair_keypoints("{}_wing", tip)
    keypoints |= pair_keypoints("{}_elevator", elevator)
    return assemble(parts, keypoints)


FUSELAGE = (
    # Position along y; half width, bottom and top in units of the radius.
    (-5.0, 0.12, -0.3, -0.1),
    (-4.85, 0.42, -0.58, 0.22),
    (-4.5, 0.68, -0.8, 0.52),
    (-3.7, 0.95, -0.98, 0.9),
    (-2.8, 1.0, -1.0, 1.0),
    (2.0, 1.0, -1.0, 1.0),
    (3.2, 0.85, -0.7, 0.98),
    (4.4, 0.45, -0.1, 0.85),
    (5.0, 0.22, 0.1, 0.5),
)
FUSELAGE_NOSE_LOW = float(np.interp(-4.1, [-4.5, -3.7], [-0.8, -0.98]))


def _fuselage(radius):
    return body([(y, width * radius, low * radius, high * radius) for y, width, low, high in FUSELAGE], roundness=1.0)


def _fuselage_top(y, radius):
    return float(np.interp(y, [row[0] for row in FUSELAGE], [row[3] * radius for row in FUSELAGE]))


def _engines(rng, style, radius, wing, metalwork, trim):
    """Jets under the wing or at the tail, propellers at the nose or on the wing, or a jet pipe.

    `wing` is the place of its root along y and z, and its tip.
    """
    root_y, wing_z, tip = wing
    size = rng.uniform(0.3, 0.42)
    if style == "propeller":
        if rng.random() < 0.5:
            return _propeller((0, -5.0, -0.2 * radius), 1.1, metalwork, trim)
        x, z = 1.6, wing_z + (tip[2] - wing_z) * 1.6 / tip[0]
        nacelle = part(revolve([(0.25, 0), (0.34, 0.4), (0.34, 1.3), (0.1, 2.2)], (x, root_y - 1.7, z), BACKWARD), trim)
        blades = [copy for item in _propeller((x, root_y - 1.7, z), 0.8, metalwork, trim) for copy in both_sides(item)]
        return both_sides(nacelle) + blades
    if style == "fighter":
        pipe = part(cylinder((0, 4.6, 0.25 * radius), (0, 5.5, 0.25 * radius), 0.42 * radius, 0.36 * radius), metalwork)
        intake = part(box((radius * 0.8, -2.4, -0.7 * radius), (radius * 1.35, 0.8, 0.1 * radius)), trim)
        return [pipe, *both_sides(intake)]
    profile = [(0.8 * size, 0), (size, 0.25), (0.95 * size, 0.9), (0.55 * size, 1.7)]
    if style == "business" or rng.random() < 0.15:
        x, y, z = radius * 1.0 + size, 2.2, 0.5 * radius
        pylon = part(box((radius * 0.5, y + 0.4, z - 0.1), (x, y + 1.1, z + 0.1)), metalwork)
        return both_sides(part(revolve(profile, (x, y, z), BACKWARD), metalwork)) + both_sides(pylon)
    parts = []
    shares = (0.34,) if rng.random() < 0.7 else (0.3, 0.58)
    for share in shares:
        x, y, z = share * tip[0], root_y + share * (tip[1] - root_y) - 1.6, wing_z + share * (tip[2] - wing_z)
        parts += both_sides(part(revolve(profile, (x, y, z - size - 0.12), BACKWARD), trim))
        parts += both_sides(part(box((x - 0.08, y + 0.5, z - size - 0.1), (x + 0.08, y + 1.6, z)), metalwork))
    return parts


def _propeller(centre, length, metalwork, trim):
    """Two blades and a spinner."""
    x, y, z = centre
    outline = [
        (x - 0.08, z - length),
        (x + 0.08, z - length),
        (x + 0.14, z),
        (x + 0.08, z + length),
        (x - 0.08, z + length),
        (x - 0.14, z),
    ]
    blades = loft([[(px, depth, pz) for px, pz in outline] for depth in (y - 0.22, y - 0.1)])
    spinner = revolve([(0.05, -0.45), (0.2, -0.2), (0.24, 0.1)], centre, BACKWARD)
    return [part(blades, metalwork), part(spinner, trim)]


def _landing_gear(radius, root_y, tyre, metalwork):
    wheel_z = -radius - 0.75
    parts = [
        part(cylinder((0, -3.4, wheel_z), (0, -3.4, -0.8 * radius), 0.11, sides=8), metalwork),
        part(cylinder((-0.14, -3.4, wheel_z), (0.14, -3.4, wheel_z), 0.26), tyre),
    ]
    x, y = 1.1, root_y + 0.6
    parts += both_sides(part(cylinder((x, y, wheel_z), (x, y, -0.2 * radius), 0.12, sides=8), metalwork))
    return parts + both_sides(part(cylinder((x - 0.18, y, wheel_z), (x + 0.18, y, wheel_z), 0.32), tyre))
