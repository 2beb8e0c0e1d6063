"""Cameras of the embedded benchmark: distance, format of the photograph, and place of the object in it."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from pipeline.photographs.cameras import project_cad
from pipeline.photographs.records import Box, Viewpoint
from pipeline.simulation.viewpoints import Angles

VIEWPORT = 3000.0
"""Viewport of PASCAL3D+'s camera: the focal length in pixels is viewport * focal, with focal = 1."""
OBJECT_SHARE = (0.5, 0.85)
"""Range of the longer side of the object's box, as a share of the longer side of the photograph."""
SHORT_SIDE = (0.62, 0.8)
"""Range of the shorter side of the photograph over the longer one, unless the object needs more."""
ACROSS_SHARE = 0.12
"""Share of photographs whose format goes against that of the object."""
MARGIN = 3.0
"""Pixels between an object that is not truncated and the border."""
CUT = (0.12, 0.4)
"""Range of the share of a truncated object's extent that lies beyond the border."""


class Framing(NamedTuple):
    """A camera and the size of its photograph in pixels."""

    view: Viewpoint
    width: int
    height: int


def frame(
    vertices: Float[np.ndarray, "V 3"], angles: Angles, size: int, truncated: bool, rng: np.random.Generator
) -> Framing:
    """Choose distance, format and position of the object for a photograph whose longer side has `size` pixels.

    The whole object lies inside the photograph, or, if `truncated`, reaches over one of its four borders.

    Args:
        vertices: CAD frame and units.
    """
    view = _approach(vertices, angles, size * rng.uniform(*OBJECT_SHARE))
    box = _bounds(vertices, view)
    width, height = _format(box, size, rng)
    px = _place(box.x0, box.x1, width, rng)
    py = _place(box.y0, box.y1, height, rng)
    if truncated:
        cut, border = rng.uniform(*CUT), rng.integers(4)
        if border < 2:
            px = _overstep(box.x0, box.x1, width, cut, low_border=bool(border == 0))
        else:
            py = _overstep(box.y0, box.y1, height, cut, low_border=bool(border == 2))
    return Framing(view._replace(px=float(px), py=float(py)), width, height)


def _approach(vertices: np.ndarray, angles: Angles, extent: float) -> Viewpoint:
    """Distance at which the longer side of the box has `extent` pixels: a fixed point, as extent * distance ~ const."""
    view = Viewpoint(*angles, distance=VIEWPORT / extent, focal=1.0, px=0.0, py=0.0, viewport=VIEWPORT)
    for _ in range(4):
        box = _bounds(vertices, view)
        view = view._replace(distance=view.distance * max(box.width, box.height) / extent)
    return view


def _bounds(vertices: np.ndarray, view: Viewpoint) -> Box:
    points = project_cad(vertices, view)[:, :2]
    return Box(*points.min(axis=0).tolist(), *points.max(axis=0).tolist())


def _format(box: Box, size: int, rng: np.random.Generator) -> tuple[int, int]:
    landscape = (box.width >= box.height) != (rng.random() < ACROSS_SHARE)
    needed = (box.height if landscape else box.width) + 2 * MARGIN
    short = int(np.ceil(max(size * rng.uniform(*SHORT_SIDE), needed)))
    return (size, short) if landscape else (short, size)


def _place(low: float, high: float, length: int, rng: np.random.Generator) -> float:
    """Offset that puts [low, high] inside [0, length], more often in the middle than at a border."""
    first, last = MARGIN - low, length - MARGIN - high
    return first + rng.beta(2, 2) * (last - first)


def _overstep(low: float, high: float, length: int, cut: float, low_border: bool) -> float:
    """Offset that puts the share `cut` of [low, high] beyond one end of [0, length]."""
    beyond = cut * (high - low)
    return -low - beyond if low_border else length - high + beyond
