"""Photographs of one's own, as a folder with photographs.csv: the reader `folder`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import numpy as np
from jaxtyping import Float

from pipeline.base.errors import InputError, nearest
from pipeline.config.workspace import Workspace
from pipeline.data.coordinates import REACH, clip_box, reaches
from pipeline.data.photographs_csv import Row, read_rows
from pipeline.data.reader import Found, NoPairsError
from pipeline.photographs.image_files import read_image
from pipeline.photographs.records import (
    DEFAULT_FOCAL,
    DEFAULT_VIEWPORT,
    Box,
    Instance,
    Pair,
    Viewpoint,
    bounding_box,
)


@dataclass(frozen=True)
class Folder:
    """The photographs of a table; the pairs are all ordered pairs of a split that have a keypoint in common.

    No line is skipped: what cannot be used is an error, as whoever wrote the table can mend it.
    """

    table: Path
    """photographs.csv."""
    rows: tuple[Row, ...]
    """The lines of the table."""

    def training(self, category: str) -> Found | None:
        rows = self._select(category, "train")
        return Found(tuple(map(_instance, rows)), {}, self.table) if rows else None

    def pairs(self, category: str, split: str) -> tuple[Pair, ...]:
        photographs = [(row, _annotated_box(row, *_size(row))) for row in self._select(category, split)]
        pairs = tuple(_pair(*source, *target) for source, target in permutations(photographs, 2))
        pairs = tuple(pair for pair in pairs if pair.keypoint_ids)
        if not pairs:
            raise NoPairsError(
                f"{self.table}: expected two photographs of the category '{category}' in the split '{split}' with a "
                f"keypoint in common, found none among {len(photographs)}. Fill in keypoints (kp:<name>:x and "
                "kp:<name>:y), or choose another data.evaluation_split."
            )
        return pairs

    def unpaired(self, category: str, split: str) -> Found | None:
        rows = self._select(category, split)
        if any(row.keypoints for row in rows):
            return None
        return Found(tuple(map(_instance, rows)), {}, self.table)

    def evaluation(self, category: str, names: Collection[str], split: str) -> Found:
        rows = [row for row in self._select(category, split) if row.name in names]
        return Found(tuple(map(_instance, rows)), {}, self.table)

    def _select(self, category: str, split: str) -> list[Row]:
        """The lines of one category and split, in the order of their names."""
        categories = {row.category for row in self.rows}
        if category not in categories:
            raise InputError(
                f"{self.table}: expected photographs of the category '{category}', found none. "
                f"{nearest(category, categories)} Correct `categories` in params.yaml, or add photographs."
            )
        rows = [row for row in self.rows if row.category == category and row.split == split]
        return sorted(rows, key=lambda row: row.name)


def make(workspace: Workspace) -> Folder:
    """The folder that `data.folder` names."""
    return Folder(workspace.photographs_csv, read_rows(workspace.photographs_csv))


def _size(row: Row) -> tuple[int, int]:
    """Height and width of the photograph in pixels."""
    if not row.image.is_file():
        raise InputError(
            f"{row.where}, column 'image': expected a photograph, found no file {row.image}. Correct the path, or "
            "remove the line."
        )
    height, width = read_image(row.image).shape[:2]
    return height, width


def _annotated_box(row: Row, height: int, width: int) -> Box:
    """The box of the table, which may reach beyond the photograph, or that of the mask."""
    return bounding_box(row.read_mask(height, width)) if row.box is None else row.box


def _instance(row: Row) -> Instance:
    height, width = _size(row)
    annotated = _annotated_box(row, height, width)
    box = clip_box(annotated, width, height)
    if box is None:
        raise InputError(
            f"{row.where}, column 'x0': expected a box that overlaps the photograph of {width} x {height} pixels, "
            f"found {[*annotated]}. Correct it."
        )
    beyond = max(-annotated.x0, -annotated.y0, annotated.x1 - width, annotated.y1 - height)
    if beyond > REACH * max(box.width, box.height):
        raise InputError(
            f"{row.where}, column 'x0': expected a box that hardly reaches beyond the photograph of {width} x {height} "
            f"pixels, found {[*annotated]}. Correct it."
        )
    for name, (x, y) in row.keypoints.items():
        if not reaches(annotated, x, y):
            raise InputError(
                f"{row.where}, column 'kp:{name}:x': expected a place in the box {[*annotated]} or near it, found "
                f"({x:g}, {y:g}). Correct it, or the box."
            )
        if not (0 <= x <= width and 0 <= y <= height):
            raise InputError(
                f"{row.where}, column 'kp:{name}:x': expected a place in the photograph of {width} x {height} pixels, "
                f"found ({x:g}, {y:g}). Correct it, or empty both cells if the keypoint is not visible."
            )
    return Instance(
        category=row.category,
        name=row.name,
        split=row.split,
        image=str(row.image),
        width=width,
        height=height,
        box=box,
        truncated=row.truncated,
        occluded=row.occluded,
        difficult=False,
        viewpoint=_viewpoint(row, box),
        cad_index=None,
    )


def _viewpoint(row: Row, box: Box) -> Viewpoint | None:
    """The angles of the table, with PASCAL3D+'s own camera at an unknown distance, which is 0."""
    if row.angles is None:
        return None
    px, py = box.centre
    return Viewpoint(*row.angles, distance=0.0, focal=DEFAULT_FOCAL, px=px, py=py, viewport=DEFAULT_VIEWPORT)


def _pair(source: Row, source_box: Box, target: Row, target_box: Box) -> Pair:
    common = [name for name in source.keypoints if name in target.keypoints]
    return Pair(
        category=source.category,
        source=source.name,
        target=target.name,
        keypoint_ids=tuple(common),
        source_keypoints=_places(source, common),
        target_keypoints=_places(target, common),
        source_box=source_box,
        target_box=target_box,
        truncation=source.truncated + 2 * target.truncated,
    )


def _places(row: Row, names: Sequence[str]) -> Float[np.ndarray, "K 2"]:
    return np.array([row.keypoints[name] for name in names], dtype=np.float64).reshape(-1, 2)
