"""The points of a photograph that can be clicked: annotated keypoints, and template vertices that it shows."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from pipeline.photographs.crops import Crop, to_crop
from pipeline.photographs.records import Pair
from pipeline.prediction.projection import Projection


class Points(NamedTuple):
    """Points of one photograph, keypoints first."""

    places: Float[np.ndarray, "P 2"]
    """In crop coordinates."""
    keypoints: tuple[str, ...]
    """Names of the keypoints, which are the first of the points."""


GRID = 8
"""Points along a side of a crop of which neither keypoints nor a mesh are known."""
Keypoints = dict[str, dict[str, Float[np.ndarray, "2"]]]
"""Annotated keypoints in pixels, by image and by the keypoint's name."""


def annotated_keypoints(pairs: Iterable[Pair]) -> Keypoints:
    """The keypoints that any pair annotates, for each of its images."""
    found: Keypoints = {}
    for pair in pairs:
        for name, points in ((pair.source, pair.source_keypoints), (pair.target, pair.target_keypoints)):
            found.setdefault(name, {}).update(zip(pair.keypoint_ids, points, strict=True))
    return found


def spread_out(positions: Float[np.ndarray, "N 3"], count: int) -> Int[np.ndarray, "K"]:
    """Vertices that lie far apart: the one farthest from the centre, then always the one farthest from all before it.

    Args:
        count: number of vertices; all are taken where there are not as many.
    """
    chosen: list[int] = []
    distance = np.square(positions - positions.mean(0)).sum(1)
    for _ in range(min(count, len(positions))):
        chosen.append(int(distance.argmax()))
        apart = np.square(positions - positions[chosen[-1]]).sum(1)
        distance = apart if len(chosen) == 1 else np.minimum(distance, apart)
    return np.array(chosen, dtype=np.int64)


def clickable(
    keypoints: dict[str, Float[np.ndarray, "2"]], crop: Crop, mesh: Projection | None, vertices: Int[np.ndarray, "K"]
) -> Points:
    """The points of one photograph.

    Args:
        keypoints: of this photograph, in pixels.
        mesh: the projected template in crop coordinates; None leaves the keypoints alone, or a grid where there are
            none.
        vertices: those of the template that can be clicked where they are seen.
    """
    names = tuple(sorted(keypoints))
    places = to_crop(np.array([keypoints[name] for name in names]).reshape(-1, 2), crop)
    if mesh is None and not names:
        # Nothing is known of the object: a grid over the middle of the crop.
        step = (np.arange(GRID) + 0.5) / GRID
        places = np.stack(np.meshgrid(step, step), -1).reshape(-1, 2) * 0.8 + 0.1
    if mesh is not None:
        projected = mesh.vertices.double().numpy()[vertices]
        seen = mesh.visible.numpy()[vertices] & ((projected > 0) & (projected < 1)).all(1)
        places = np.concatenate([places, projected[seen]])
    return Points(places, names)
