"""Pictures of what a model says of photographs: matches of two of them, and the mesh over one."""

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

SIDE = 640
"""Longer side of a drawn photograph in pixels."""
GAP = 8
"""White pixels between two photographs."""
UNKNOWN = (60, 120, 250)
"""Colour of a match whose probability is not known."""
PROBABLE = 0.5
OUTLINE = (20, 20, 20)
OPAQUE = 0.65
"""Weight of the mesh over the photograph."""


def draw_matched(
    a: UInt8[np.ndarray, "H W 3"],
    b: UInt8[np.ndarray, "h w 3"],
    points_a: Float[np.ndarray, "N 2"],
    points_b: Float[np.ndarray, "N 2"],
    probability: Float[np.ndarray, "N"],
) -> UInt8[np.ndarray, "R C 3"]:
    """Two photographs side by side, and a line for each match: red for a probability of 0, green for 1.

    Matches that are rather wrong than right have no line, only their points.

    Args:
        points_a: pixels of `a`; `points_b` are those of `b`, drawn at its border where they lie beyond.
        probability: that a match is right; NaN where it is not known, which is blue.
    """
    (left, scale_a), (right, scale_b) = _fitted(a), _fitted(b)
    height = max(len(left), len(right))
    canvas = np.full((height, left.shape[1] + GAP + right.shape[1], 3), 255, np.uint8)
    canvas[: len(left), : left.shape[1]] = left
    canvas[: len(right), left.shape[1] + GAP :] = right
    start = points_a * scale_a
    end = (points_b * scale_b).clip(0, [right.shape[1], len(right)]) + [left.shape[1] + GAP, 0]
    # Unlikely matches first, so that likely ones are drawn over them.
    for row in np.argsort(np.nan_to_num(probability, nan=0.5), kind="stable").tolist():
        likely = float(probability[row])
        one, other = ((16 * (place[row] - 0.5)).round().astype(int).tolist() for place in (start, end))
        for colour, width, radius in ((OUTLINE, 3, 5), (_colour(likely), 1, 4)):
            if not likely < PROBABLE:
                cv2.line(canvas, one, other, colour, width, cv2.LINE_AA, shift=4)
            for place in (one, other):
                cv2.circle(canvas, place, radius * 16, colour, -1, cv2.LINE_AA, shift=4)
    return canvas


def draw_mesh(
    photograph: UInt8[np.ndarray, "H W 3"],
    pixels: Float[np.ndarray, "V 2"],
    depth: Float[np.ndarray, "V"],
    faces: Int[np.ndarray, "F 3"],
    colours: Float[np.ndarray, "V 3"],
) -> UInt8[np.ndarray, "R C 3"]:
    """The photograph, and beside it the same with a mesh over it, whose nearer faces hide those behind.

    Args:
        pixels: projected vertices in pixels of the photograph.
        depth: of each vertex; larger is farther.
        colours: of each vertex in [0, 1].
    """
    picture, scale = _fitted(photograph)
    corners = (pixels * scale)[faces]
    order = np.argsort(-depth[faces].mean(1), kind="stable")
    shades = np.round(255 * colours[faces].mean(1).clip(0, 1)).astype(int).tolist()
    over, covered = picture.copy(), np.zeros(picture.shape[:2], np.uint8)
    places = (16 * (corners - 0.5)).round().astype(np.int32)
    for face in order[_facing(corners[order])]:
        cv2.fillConvexPoly(over, places[face], shades[face], cv2.LINE_8, shift=4)
        cv2.fillConvexPoly(covered, places[face], 1, cv2.LINE_8, shift=4)
    weight = OPAQUE * covered[..., None]
    mixed = np.round((1 - weight) * picture + weight * over).astype(np.uint8)
    gap = np.full((len(picture), GAP, 3), 255, np.uint8)
    return np.concatenate([picture, gap, mixed], axis=1)


def _facing(corners: Float[np.ndarray, "F 3 2"]) -> Bool[np.ndarray, "F"]:
    """Faces that are seen from outside: counter-clockwise on a page whose y points up, and so clockwise in pixels."""
    u, v = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0] < 0


def _fitted(image: UInt8[np.ndarray, "H W 3"]) -> tuple[UInt8[np.ndarray, "h w 3"], float]:
    """The image with `SIDE` pixels along its longer side, and its scale."""
    scale = SIDE / max(image.shape[:2])
    size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR), scale


def _colour(probability: float) -> tuple[int, int, int]:
    if np.isnan(probability):
        return UNKNOWN
    return round(230 - 190 * probability), round(40 + 160 * probability), 50
