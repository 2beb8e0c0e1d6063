"""Matches through the shared template: the nearest visible vertex, and its place in the target (SEMAGIC Eq. 8, 10)."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from pipeline.prediction.projection import Projection


def candidate_vertices(mesh: Projection) -> Int64[Tensor, "V"]:
    """The visible vertices; if nothing is visible all vertices, so that there is an answer."""
    visible = mesh.visible.nonzero()[:, 0]
    return visible if len(visible) else torch.arange(len(mesh.visible))


def nearest_visible_vertex(query: Float[Tensor, "K 2"], source: Projection) -> Int64[Tensor, "K"]:
    """SEMAGIC Eq. 10: i*(x) = argmin over i in V_vis of || x - pi(v_i) ||.

    Ties go to the lower index. If nothing is visible all vertices are candidates, so that there is an answer.

    Args:
        query: points in the frame of `source.vertices`.
    """
    candidates = candidate_vertices(source)
    vertices = source.vertices[candidates].to(query.dtype)
    distance = torch.cdist(query, vertices, compute_mode="donot_use_mm_for_euclid_dist")
    return candidates[distance.argmin(-1)]


def transfer(query: Float[Tensor, "K 2"], source: Projection, target: Projection) -> Float[Tensor, "K 2"]:
    """Follow source points to the target (SEMAGIC Eq. 8): p0 = pi_B(v_i*), i* the nearest vertex visible in A.

    The target's visibility is not asked for, as in MagicPony's `transfer_keypoints`.

    Args:
        query: points in the frame of `source.vertices`.

    Returns:
        Points in the frame of `target.vertices`.
    """
    return target.vertices[nearest_visible_vertex(query, source)]
