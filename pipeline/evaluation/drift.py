"""Vertex drift: the spread, on the template, of the vertices that different instances assign to the same keypoint.

Instance i shows keypoint k at an annotated pixel, and assigns to it the visible vertex nearest to that pixel (Eq. 10).
x_ki is the canonical position of this vertex. If the vertices keep their meaning, x_ki does not depend on i. The drift
of a keypoint is a ratio of total variances (traces of covariances),

    drift_k = V_k / V,    V_k = sum_i ||x_ki - mean_i x_ki||^2 / (n_k - 1),    V = E ||X - E X||^2,

with n_k the number of instances and X uniform by area on the template's surface. The drift of a category is the mean
over its keypoints. It does not depend on the position, orientation and scale of the template.

The drift is 0 if all instances assign the same vertex. It is 1 in expectation if the assignments are independent of the
keypoint, since V_k is an unbiased estimate of V if x_ki is distributed as X. Single values may exceed 1.

The drift is one minus a correlation ratio eta^2 of the analysis of variance (Fisher, Statistical Methods for Research
Workers, 1925): the share of a position's variance that the keypoint leaves unexplained. All keypoints have equal
weight. The total variance is that of the surface, so that it does not depend on which keypoints are annotated.

The drift measures only agreement: it is also 0 if all keypoints are assigned one and the same vertex. PCK reveals this
case.
"""

from collections.abc import Mapping

import numpy as np
import torch
from jaxtyping import Float, Int

from pipeline.base.errors import InputError
from pipeline.matching.transfer import nearest_visible_vertex
from pipeline.prediction.projection import Projection

LEAST_INSTANCES = 2
"""Minimum number of instances of a keypoint, for which a variance is defined."""


def assign_keypoints(projection: Projection, keypoints: Mapping[str, tuple[float, float]]) -> dict[str, int]:
    """Assign to each keypoint of one image its nearest visible vertex (Eq. 10).

    Args:
        keypoints: positions (x, y) of the keypoints by name, in the frame of `projection.vertices`.

    Returns:
        Index of the vertex of each keypoint, by name.
    """
    query = torch.tensor(list(keypoints.values()), dtype=torch.float64).reshape(-1, 2)
    return dict(zip(keypoints, nearest_visible_vertex(query, projection).tolist(), strict=True))


def surface_variance(vertices: Float[np.ndarray, "N 3"], faces: Int[np.ndarray, "F 3"]) -> float:
    """Total variance V of a point drawn uniformly by area from a mesh's surface, in squared units of the vertices.

    A uniform point of the triangle (p, q, r) has the mean c = (p + q + r) / 3 and the total variance
    v = (||p - c||^2 + ||q - c||^2 + ||r - c||^2) / 12. By the law of total variance, with w the area shares of the
    triangles, V = sum w (v + ||c - sum w c||^2) exactly.

    Raises:
        InputError: the surface has no area.
    """
    corners = vertices.astype(np.float64)[faces]
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=-1) / 2
    if not areas.sum() > 0:
        raise InputError(
            f"The drift is relative to the template's surface: expected a mesh with an area, found {len(faces)} faces "
            f"of total area {areas.sum():g}. Look at the losses of its training."
        )
    weights = areas / areas.sum()
    centres = corners.mean(axis=1)
    within = np.square(corners - centres[:, None]).sum((1, 2)) / 12
    between = np.square(centres - weights @ centres).sum(1)
    return float(weights @ (within + between))


def vertex_drift(assigned: Mapping[str, Float[np.ndarray, "_ 3"]], total_variance: float) -> float:
    """Compute the drift of a category, as defined in the module docstring.

    Keypoints that fewer than `LEAST_INSTANCES` instances show are left out.

    Args:
        assigned: canonical positions of the vertices that the instances assign to each keypoint, with one row for each
            instance that shows the keypoint.
        total_variance: V of the template, from `surface_variance`, in the squared unit of the positions.

    Raises:
        InputError: no keypoint is left, so that the mean is undefined.
    """
    drift = [
        float(positions.astype(np.float64).var(axis=0, ddof=1).sum() / total_variance)
        for positions in assigned.values()
        if len(positions) >= LEAST_INSTANCES
    ]
    if not drift:
        raise InputError(
            f"The drift needs a keypoint that {LEAST_INSTANCES} instances or more show; found {len(assigned)} "
            "keypoints, none of them with so many. Evaluate more images."
        )
    return float(np.mean(drift))
