"""Shape variation: how far the instances of a category are deformed away from each other."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


def shape_variation(template: Float[np.ndarray, "N 3"], instances: Sequence[Float[np.ndarray, "N 3"]]) -> float | None:
    """Root mean square distance of a vertex to its mean over the instances, as a share of the template's size.

    With v_ij vertex j of instance i, m_j its mean over i and d the diagonal of the template's bounding box,

        sqrt(mean_ij ||v_ij - m_j||^2) / d.

    0: all instances have one shape, whatever it is; offsets that they share do not count. Poses do not either.

    Args:
        template, instances: vertices in the object frame.

    Returns:
        None for fewer than two instances.
    """
    if len(instances) < 2:
        return None
    vertices = np.stack(instances).astype(np.float64)
    distance = np.sqrt(np.square(vertices - vertices.mean(axis=0)).sum(axis=-1).mean())
    return float(distance / np.linalg.norm(np.ptp(template, axis=0)))
