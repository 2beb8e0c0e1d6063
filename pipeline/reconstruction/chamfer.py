"""Chamfer distance between two point sets."""

import numpy as np
from jaxtyping import Float

from pipeline.base.errors import InputError
from pipeline.reconstruction.neighbours import SCIPY, Neighbours


def chamfer_distance(a: Float[np.ndarray, "N 3"], b: Float[np.ndarray, "M 3"], neighbours: Neighbours = SCIPY) -> float:
    """Symmetric Chamfer distance, not squared, in the unit of the points.

    The formula is 0.5 (mean_p min_q || p - q || + mean_q min_p || q - p ||), with p in `a` and q in `b`.

    Raises:
        InputError: one of the point sets is empty.
    """
    if min(len(a), len(b)) == 0:
        raise InputError(f"The Chamfer distance needs points in both sets; found {len(a)} and {len(b)}.")
    forward, backward = neighbours.cloud(b).nearest(a).distances, neighbours.cloud(a).nearest(b).distances
    return float(forward.mean() + backward.mean()) / 2


def normalised_chamfer(
    points: Float[np.ndarray, "N 3"],
    cad: Float[np.ndarray, "M 3"],
    diagonal: float,
    neighbours: Neighbours = SCIPY,
) -> float:
    """Chamfer distance in hundredths of the diagonal of the CAD model's bounding box, the unit of Table 2."""
    return 100 * chamfer_distance(points, cad, neighbours) / diagonal
