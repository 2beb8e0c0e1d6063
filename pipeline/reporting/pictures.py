"""Pictures of matched pairs: source left, target right, correct matches in green and wrong ones in red."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import pandas as pd
from jaxtyping import Float, UInt8

from pipeline.crops import Crop, sample_crop, square_crop, to_crop
from pipeline.evaluation.result import Evaluation
from pipeline.images import read_image
from pipeline.layout import Layout
from pipeline.records import Instance
from pipeline.reporting.rows import row_name

PAIRS = 4
TILE = 192
"""Side of a drawn crop in pixels."""
TITLE = 22
GAP = 6
GREEN, RED = (40, 200, 60), (230, 40, 40)


def draw_pairs(
    evaluation: Evaluation, instances: Mapping[str, Instance], layout: Layout, alpha: float
) -> UInt8[np.ndarray, "H W 3"]:
    """Some pairs, evenly spaced in the list of those scored, one below the other; a column for each row of the table.

    Args:
        instances: by name.
        alpha: threshold that separates correct from wrong.

    Raises:
        InputError: a photograph cannot be read.
    """
    points, settings = evaluation.points, evaluation.metrics.settings
    methods = [method for method in evaluation.metrics.pck if method != "ours_no_search"]
    listed = points["pair"].unique()
    chosen = listed[np.linspace(0, len(listed) - 1, min(PAIRS, len(listed))).round().astype(int)]
    columns = []
    for method in methods:
        shown = points[points["method"] == method]
        tiles = [_pair_tile(shown[shown["pair"] == pair], instances, layout, alpha) for pair in chosen]
        columns.append(np.concatenate([_title(row_name(method, settings)), *tiles]))
    return np.concatenate(columns, axis=1)


def draw_matches(
    source: UInt8[np.ndarray, "S S 3"],
    target: UInt8[np.ndarray, "S S 3"],
    start: Float[np.ndarray, "K 2"],
    end: Float[np.ndarray, "K 2"],
    correct: Sequence[bool],
) -> UInt8[np.ndarray, "S W 3"]:
    """Two crops side by side, and a line for each match.

    Args:
        start: points in crop coordinates of the source.
        end: predicted points in crop coordinates of the target; those outside are drawn at its border.
    """
    size = source.shape[0]
    gap = np.full((size, GAP, 3), 255, np.uint8)
    canvas = np.ascontiguousarray(np.concatenate([source, gap, target], axis=1))
    # OpenCV puts pixel centres at integers, and takes fractions as 1/16 pixels.
    left = start.clip(0, 1) * size - 0.5
    right = end.clip(0, 1) * size - 0.5 + np.array([size + GAP, 0])
    for a, b, good in zip(*((16 * side).round().astype(int).tolist() for side in (left, right)), correct, strict=True):
        colour = GREEN if good else RED
        cv2.line(canvas, a, b, colour, 1, cv2.LINE_AA, shift=4)
        for point in (a, b):
            cv2.circle(canvas, point, 3 * 16, colour, -1, cv2.LINE_AA, shift=4)
    return canvas


def _pair_tile(
    shown: pd.DataFrame, instances: Mapping[str, Instance], layout: Layout, alpha: float
) -> UInt8[np.ndarray, "H W 3"]:
    source, source_crop = _tile(instances[shown["source"].iloc[0]], layout)
    target, target_crop = _tile(instances[shown["target"].iloc[0]], layout)
    start = to_crop(shown[["source_x", "source_y"]].to_numpy(), source_crop)
    end = to_crop(shown[["x", "y"]].to_numpy(), target_crop)
    correct = (shown["error"] <= alpha * shown["box_side"]).tolist()
    tile = draw_matches(source, target, start, end, correct)
    return cv2.copyMakeBorder(tile, 0, GAP, GAP, GAP, cv2.BORDER_CONSTANT, value=(255, 255, 255))


def _tile(instance: Instance, layout: Layout) -> tuple[UInt8[np.ndarray, "S S 3"], Crop]:
    crop = square_crop(instance.box, layout.params.data.crop_margin)
    return sample_crop(read_image(layout.root / instance.image), crop, TILE), crop


def _title(text: str) -> UInt8[np.ndarray, "H W 3"]:
    canvas = np.full((TITLE, 2 * TILE + 3 * GAP, 3), 255, np.uint8)
    return cv2.putText(canvas, text, (GAP, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
