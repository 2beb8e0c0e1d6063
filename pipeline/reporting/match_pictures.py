"""Pictures of matched pairs (the paper's Figure 6): correct matches in green and wrong ones in red."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, UInt8

from pipeline.base.errors import InputError
from pipeline.config.workspace import Workspace
from pipeline.evaluation.pck import is_correct
from pipeline.photographs.crops import Crop, sample_crop, square_crop, to_crop
from pipeline.photographs.image_files import read_image
from pipeline.photographs.records import Instance
from pipeline.pictures.captions import caption_row

PAIRS = 5
"""Pairs that are drawn of a category, at most."""
TILE = 192
"""Side of a drawn crop in pixels."""
GAP = 6
"""White pixels between source and target, and below a pair."""
SPACE = 18
"""White pixels between two columns."""
GREEN, RED = (40, 200, 60), (230, 40, 40)
OUTLINE = (20, 20, 20)
"""Colour round lines and points, so that they show on a background of any colour."""


class _Tile(NamedTuple):
    """The crop of a photograph, drawn at the size of a tile."""

    picture: UInt8[np.ndarray, "S S 3"]
    crop: Crop


def draw_pairs(
    columns: Mapping[str, pd.DataFrame], instances: Mapping[str, Instance], workspace: Workspace, alpha: float
) -> UInt8[np.ndarray, "H W 3"]:
    """Draw some pairs, evenly spaced in the list of those scored, one below the other: source left, target right.

    Args:
        columns: by the name above the column, the points of one method (`pipeline.evaluation.result.Evaluation`); all
            of the same pairs.
        instances: by name.
        alpha: threshold that separates correct from wrong.

    Raises:
        InputError: there is no column or no pair, the columns have different pairs, or a photograph cannot be read.
    """
    listed = _common_pairs(columns)
    chosen = listed.iloc[np.linspace(0, len(listed) - 1, min(PAIRS, len(listed))).round().astype(int)]
    width = 2 * TILE + GAP
    names = [text for name in columns for text in (name, "")]
    rows = [caption_row(names, [width, SPACE] * len(columns))]
    for pair in chosen.itertuples():
        source, target = (_tile(instances[name], workspace) for name in (pair.source, pair.target))
        drawn = [_draw_pair(points[points["pair"] == pair.pair], source, target, alpha) for points in columns.values()]
        rows.append(np.concatenate(drawn, axis=1))
    return np.concatenate(rows)


def draw_matches(
    source: UInt8[np.ndarray, "S S 3"],
    target: UInt8[np.ndarray, "S S 3"],
    start: Float[np.ndarray, "K 2"],
    end: Float[np.ndarray, "K 2"],
    correct: Sequence[bool] | Bool[np.ndarray, "K"],
) -> UInt8[np.ndarray, "S W 3"]:
    """Draw two crops side by side, and a line for each match.

    Args:
        start: points in crop coordinates of the source.
        end: predicted points in crop coordinates of the target; those outside are drawn at its border.
    """
    size = source.shape[0]
    gap = np.full((size, GAP, 3), 255, np.uint8)
    canvas = np.ascontiguousarray(np.concatenate([source, gap, target], axis=1))
    # OpenCV puts pixel centres at integers, and takes fractions as 1/16 pixels.
    left = (16 * (start.clip(0, 1) * size - 0.5)).round().astype(int).tolist()
    right = (16 * (end.clip(0, 1) * size - 0.5 + np.array([size + GAP, 0]))).round().astype(int).tolist()
    for outline in (True, False):
        for a, b, good in zip(left, right, correct, strict=True):
            colour = OUTLINE if outline else (GREEN if good else RED)
            cv2.line(canvas, a, b, colour, 3 if outline else 1, cv2.LINE_AA, shift=4)
            for point in (a, b):
                cv2.circle(canvas, point, (4 if outline else 3) * 16, colour, -1, cv2.LINE_AA, shift=4)
    return canvas


def _common_pairs(columns: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Position, source and target of the pairs that all columns hold, in the order of the list."""
    if not columns or any(points.empty for points in columns.values()):
        empty = [name for name, points in columns.items() if points.empty]
        found = f"found none of {', '.join(empty)}" if empty else "found no method"
        raise InputError(f"A picture of matches needs scored pairs; {found}. Run the stages that score: dvc repro.")
    first, *others = columns
    listed = _pairs(columns[first])
    for name in others:
        if not listed.equals(_pairs(columns[name])):
            raise InputError(f"'{first}' and '{name}' were not scored on the same pairs. Score both again: dvc repro.")
    return listed


def _pairs(points: pd.DataFrame) -> pd.DataFrame:
    return points[["pair", "source", "target"]].drop_duplicates("pair").sort_values("pair", ignore_index=True)


def _tile(instance: Instance, workspace: Workspace) -> _Tile:
    crop = square_crop(instance.box, workspace.params.data.crop_margin)
    return _Tile(sample_crop(read_image(workspace.photograph(instance)), crop, TILE), crop)


def _draw_pair(points: pd.DataFrame, source: _Tile, target: _Tile, alpha: float) -> UInt8[np.ndarray, "H W 3"]:
    start = to_crop(points[["source_x", "source_y"]].to_numpy(), source.crop)
    end = to_crop(points[["x", "y"]].to_numpy(), target.crop)
    correct = is_correct(points["error"].to_numpy(), points["box_side"].to_numpy(), alpha)
    drawn = draw_matches(source.picture, target.picture, start, end, correct)
    return cv2.copyMakeBorder(drawn, 0, GAP, 0, SPACE, cv2.BORDER_CONSTANT, value=(255, 255, 255))
