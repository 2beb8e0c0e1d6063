"""The box with bands of windows that buses and railway carriages share."""

from collections.abc import Sequence

import numpy as np

from pipeline.simulation.shapes.colours import Colour
from pipeline.simulation.shapes.primitives import loft
from pipeline.simulation.shapes.shape import Part, face_centres, face_normals, part, repainted

PILLAR = 0.22
"""Width of a pillar as a share of a window's pitch."""


def wagon(
    ends: tuple[float, float],
    halves: tuple[float, float],
    heights: tuple[float, float],
    bands: Sequence[tuple[float, float]],
    windows: int,
    colours: tuple[Colour, Colour],
) -> Part:
    """Box along y whose sides carry windows.

    Args:
        ends: y of front and rear.
        halves: half width at the bottom up to the first band, and at the roof.
        heights: z of floor and roof.
        bands: lower and upper z of each row of windows.
        windows: windows on each side.
        colours: of the body and of the glass.
    """
    (front, rear), (low, high), (half, roof_half) = ends, heights, halves
    levels = [low, *(z for band in bands for z in band), high]
    widths = np.interp(levels, [low, bands[0][0], high], [half, half, roof_half])
    # The side's outline from the right foot over the roof to the left foot, as one closed section.
    right = [(width, z) for width, z in zip(widths, levels, strict=True)]
    outline = np.array(right + [(-x, z) for x, z in right[::-1]])
    margin = 0.03 * (rear - front)
    pitch = (rear - front - 2 * margin) / windows
    starts = front + margin + pitch * np.arange(windows)
    stations = np.unique(
        np.round([front, *(starts + PILLAR / 2 * pitch), *(starts + (1 - PILLAR / 2) * pitch), rear], 9)
    )
    shell = part(loft([np.insert(outline, 1, y, axis=1) for y in stations]), colours[0])

    centres, normals = face_centres(shell), face_normals(shell)
    in_band = np.any([(centres[:, 2] > a) & (centres[:, 2] < b) for a, b in bands], axis=0)
    in_pitch = ((centres[:, 1] - starts[0]) / pitch) % 1
    glazed = in_band & (np.abs(normals[:, 0]) > 0.7) & (in_pitch > PILLAR / 2) & (in_pitch < 1 - PILLAR / 2)
    glazed &= (centres[:, 1] > starts[0]) & (centres[:, 1] < starts[-1] + pitch)
    return repainted(shell, glazed, colours[1])
