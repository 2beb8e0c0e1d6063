"""Random points on the surface of a mesh."""

import numpy as np
from jaxtyping import Float, Int

from pipeline.base.errors import InputError


def sample_surface(
    vertices: Float[np.ndarray, "V 3"], faces: Int[np.ndarray, "F 3"], count: int, rng: np.random.Generator
) -> Float[np.ndarray, "count 3"]:
    """Sample independent points that are uniform over the surface.

    Each face is drawn with a probability proportional to its area. With r1, r2 uniform in [0, 1], the point
    (1 - sqrt(r1)) a + sqrt(r1) (1 - r2) b + sqrt(r1) r2 c is uniform in the triangle a, b, c (Osada et al., Shape
    distributions, TOG 2002, section 3.1).

    Raises:
        InputError: the surface has no area, or a vertex of a face is not finite.
    """
    a, b, c = (vertices[faces[:, i]].astype(np.float64) for i in range(3))
    # The norm of the cross product is twice the area of a face.
    cumulative = np.linalg.norm(np.cross(b - a, c - a), axis=1).cumsum()
    total = cumulative[-1] if len(faces) else 0.0
    if not (np.isfinite(total) and total > 0):
        raise InputError(
            f"Expected a mesh whose surface has an area, found {len(vertices)} vertices and {len(faces)} faces of "
            f"area {total / 2:g} in all. Replace the mesh: train the category again, or restore the CAD model."
        )
    # side="right" never selects a face without area, even if the draw is exactly 0.
    chosen = np.searchsorted(cumulative, rng.random(count) * total, side="right")
    root, share = np.sqrt(rng.random((count, 1))), rng.random((count, 1))
    return (1 - root) * a[chosen] + root * (1 - share) * b[chosen] + root * share * c[chosen]
