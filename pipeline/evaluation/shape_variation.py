"""Shape variation: the differences in shape between the instances of a category."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


def shape_variation(template: Float[np.ndarray, "N 3"], instances: Sequence[Float[np.ndarray, "N 3"]]) -> float | None:
    """Root mean square distance of a vertex to its mean over the instances, as a share of the template's size.

    With v_ij vertex j of instance i, m_j its mean over i and d the diagonal of the template's bounding box,

        sqrt(mean_ij ||v_ij - m_j||^2) / d.

    The variation is 0 if all instances have the same shape. It does not depend on offsets from the template that all
    instances share, nor on poses.

    Args:
        template, instances: vertices in the object frame.

    Returns:
        Variation as a share of the template's diagonal, or None for fewer than two instances.
    """
    if len(instances) < 2:
        return None
    vertices = np.stack(instances).astype(np.float64)
    distance = np.sqrt(np.square(vertices - vertices.mean(axis=0)).sum(axis=-1).mean())
    return float(distance / np.linalg.norm(np.ptp(template, axis=0)))
