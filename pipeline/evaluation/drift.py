"""Vertex drift: how far apart on the template the vertices lie that different instances assign to one keypoint.

Instance i shows keypoint k at an annotated pixel and assigns to it the visible vertex nearest to that pixel (Eq. 10);
x_ki is that vertex's canonical position. For a template whose vertices keep their meaning x_ki does not depend on i.
With the total variance of a random point, the trace of its covariance,

    drift_k = V_k / V,    V_k = sum_i ||x_ki - mean_i x_ki||^2 / (n_k - 1),    V = E ||X - E X||^2,

X uniform by area on the template's surface and n_k the number of instances; the category's drift is the mean over its
keypoints. The template's position, orientation and scale cancel.

0: all instances assign the same vertex. 1 in expectation: independent assignments that say nothing of the keypoint,
since V_k is an unbiased estimate of V if x_ki is distributed as X. Single values may exceed 1.

This is one minus a correlation ratio eta^2 of the analysis of variance (Fisher, Statistical Methods for Research
Workers, 1925): the share of a position's variance that the keypoint leaves unexplained, all keypoints weighing the same
and the total taken from the surface, so that it does not depend on which keypoints are annotated.

Only agreement is measured: if all keypoints are given one and the same vertex the drift is 0 too. PCK tells that apart.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int

from pipeline.base.errors import InputError
from pipeline.matching.transfer import nearest_visible_vertex
from pipeline.prediction.projections import Projection

LEAST_INSTANCES = 2
"""Instances that a keypoint needs to have a variance."""


class Drift(NamedTuple):
    """Drift of one category; shares of the template's total variance."""

    mean: float
    """Over the keypoints of `by_keypoint`."""
    by_keypoint: dict[str, float]
    left_out: int
    """Keypoints that too few instances show."""


def assign_keypoints(projection: Projection, keypoints: Mapping[str, tuple[float, float]]) -> dict[str, int]:
    """The visible vertex nearest to each keypoint of one image (Eq. 10).

    Args:
        keypoints: (x, y) by name, in the frame of `projection.vertices`.

    Returns:
        Rows of the vertices, by name.
    """
    query = torch.tensor(list(keypoints.values()), dtype=torch.float64).reshape(-1, 2)
    return dict(zip(keypoints, nearest_visible_vertex(query, projection).tolist(), strict=True))


def surface_variance(vertices: Float[np.ndarray, "N 3"], faces: Int[np.ndarray, "F 3"]) -> float:
    """Total variance V of a point drawn uniformly by area from a mesh's surface, in squared units of the vertices.

    A uniform point of the triangle (p, q, r) has the mean c = (p + q + r) / 3 and the total variance
    v = (||p - c||^2 + ||q - c||^2 + ||r - c||^2) / 12. The law of total variance joins the triangles, whose shares of
    the area are w: V = sum w (v + ||c - sum w c||^2). It is exact.

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


def vertex_drift(
    assigned: Mapping[str, Float[np.ndarray, "_ 3"]], total_variance: float, least: int = LEAST_INSTANCES
) -> Drift:
    """Drift of each keypoint and of the category; see the module for the definition.

    Args:
        assigned: canonical positions of the vertices that the instances assign to each keypoint, a row for each
            instance that shows it.
        total_variance: V of the template, from `surface_variance`, in the squared unit of the positions.
        least: keypoints with fewer instances are left out; 2 or more.

    Raises:
        InputError: no keypoint has `least` instances. A mean over none is undefined, and JSON has no number for it.
    """
    if least < LEAST_INSTANCES:
        raise InputError(f"A variance needs {LEAST_INSTANCES} instances or more; found least = {least}.")
    drift = {
        name: float(positions.astype(np.float64).var(axis=0, ddof=1).sum() / total_variance)
        for name, positions in assigned.items()
        if len(positions) >= least
    }
    if not drift:
        raise InputError(
            f"The drift needs a keypoint that {least} instances or more show; found {len(assigned)} keypoints, none of "
            "them with so many. Evaluate more images."
        )
    return Drift(float(np.mean(list(drift.values()))), drift, len(assigned) - len(drift))
