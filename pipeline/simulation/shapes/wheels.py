"""The spoked wheels that bicycles and motorbikes share."""

import numpy as np

from pipeline.simulation.shapes.colours import Colour
from pipeline.simulation.shapes.primitives import X_AXIS, cylinder, torus, tube
from pipeline.simulation.shapes.shape import Part, part


def spoked_wheel(
    y: float,
    radius: float,
    tyre: float,
    hub: tuple[float, float],
    spokes: tuple[int, float],
    colours: tuple[Colour, Colour],
) -> list[Part]:
    """Wheel in the plane x = 0 that touches the ground z = 0.

    Args:
        y: of the axle, which is at z = radius.
        radius: of the wheel with its tyre.
        tyre: radius of the tyre's section.
        hub: radius and half width of the hub.
        spokes: their number and radius.
        colours: of the tyre; of hub and spokes.
    """
    centre = np.array([0.0, y, radius])
    hub_radius, hub_half = hub
    parts = [
        part(torus(centre, X_AXIS, radius - tyre, tyre, segments=24, sides=6), colours[0]),
        part(cylinder(centre - [hub_half, 0, 0], centre + [hub_half, 0, 0], hub_radius), colours[1]),
    ]
    for angle in 2 * np.pi * (np.arange(spokes[0]) + 0.25) / spokes[0]:
        end = centre + (radius - tyre) * np.array([0, np.cos(angle), np.sin(angle)])
        parts.append(part(tube([centre, end], spokes[1], sides=4), colours[1]))
    return parts
