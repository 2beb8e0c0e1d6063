"""Semantic surface coordinates: the same point of an object has the same coordinate in every instance.

An instance is warped so that its keypoints come to lie on the category's mean keypoints; where the warp takes a point
of the surface is that point's coordinate. Parametric and CAD shapes are treated alike.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32
from scipy.interpolate import RBFInterpolator

from pipeline.simulation.shapes.shape import Shape

MIN_DISTANCE = 1e-3
"""Keypoints closer together than this (CAD units) count as one."""


class MeanKeypoints(NamedTuple):
    """Mean keypoints and mean size of a category's instances, in the CAD frame and its units."""

    points: dict[str, Float[np.ndarray, "3"]]
    """Mean position of each keypoint over the shapes that have it."""
    half_size: Float[np.ndarray, "3"]
    """Mean half extent of the bounding box, which is centred."""


def mean_keypoints(shapes: Sequence[Shape]) -> MeanKeypoints:
    """Average the keypoints and the bounding boxes of one category's shapes.

    Raises:
        ValueError: there are no shapes.
    """
    if not shapes:
        raise ValueError("mean_keypoints: expected one shape or more, got none; give the category's shapes.")
    names = dict.fromkeys(name for shape in shapes for name in shape.keypoints)
    points = {
        name: np.mean([shape.keypoints[name] for shape in shapes if name in shape.keypoints], axis=0) for name in names
    }
    return MeanKeypoints(points, np.mean([_half_size(shape) for shape in shapes], axis=0))


def semantic_coordinates(shape: Shape, mean: MeanKeypoints) -> Float32[np.ndarray, "V 3"]:
    """Coordinate of each vertex in the frame of the category's mean shape (CAD frame and units).

    The affine map B of the instance's bounding box onto the mean box is corrected by an interpolated displacement,
    s(p) = B p + b + sum_k w_k |B p - B p_k|  with  sum_k w_k = 0  and  s(p_k) = mean keypoint k
    (radial basis functions with the linear kernel, degree 0). The correction is exact at the keypoints and bounded far
    from them; any number of keypoints will do, and without any it is zero.
    """
    half_size = _half_size(shape)
    scale = np.divide(mean.half_size, half_size, out=np.ones(3), where=half_size > 0)
    scaled = shape.vertices * scale
    sources, targets = _anchors(shape, mean, scale)
    if len(sources):
        scaled = scaled + RBFInterpolator(sources, targets - sources, kernel="linear", degree=0)(scaled)
    return scaled.astype(np.float32)


def _anchors(shape: Shape, mean: MeanKeypoints, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scaled keypoints and the mean ones; where several lie at one place, only the first."""
    names = [name for name in shape.keypoints if name in mean.points]
    sources = np.array([shape.keypoints[name] for name in names]).reshape(-1, 3) * scale
    targets = np.array([mean.points[name] for name in names]).reshape(-1, 3)
    distances = np.linalg.norm(sources[:, None] - sources[None], axis=2)
    repeated = np.tril(distances < MIN_DISTANCE, k=-1).any(axis=1)
    return sources[~repeated], targets[~repeated]


def _half_size(shape: Shape) -> np.ndarray:
    return (shape.vertices.max(axis=0) - shape.vertices.min(axis=0)).astype(np.float64) / 2
