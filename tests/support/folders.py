"""Folders of made photographs with a photographs.csv, as somebody might write them."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pipeline.config.workspace import Workspace
from pipeline.photographs.image_files import write_image, write_mask
from support.photographs import ellipse, make_photo
from support.tiny import tiny_params

KEYPOINTS = {"left": (20.5, 45.0), "right": (100.0, 45.0), "top": (60.0, 15.0)}
"""Places on the made object of each photograph."""


def row(name: str, split: str = "train", **cells: object) -> dict[str, object]:
    """A line of a mug with its box; `cells` are more columns, or other values."""
    box = {"x0": 20, "y0": 15, "x1": 100, "y1": 75}
    return {"image": f"{name}.png", "category": "mug", "split": split, **box, **cells}


def keypoints(*names: str) -> dict[str, object]:
    """The cells of some keypoints."""
    return {f"kp:{name}:{axis}": KEYPOINTS[name][i] for name in names for i, axis in enumerate("xy")}


def write_table(
    path: Path, rows: Sequence[Mapping[str, object]], delimiter: str = ",", encoding: str = "utf-8"
) -> None:
    """Write lines whose columns are all that any of them has; None makes an empty cell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding=encoding) as stream:
        columns = dict.fromkeys(column for cells in rows for column in cells)
        writer = csv.DictWriter(stream, list(columns), restval="", delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def write_folder(root: Path, rows: Sequence[Mapping[str, object]], **overrides: object) -> Workspace:
    """A table with the photographs and masks that it names, and the workspace of `root` that reads it.

    Args:
        overrides: parameters that are not those of the tiny set, with `__` for the dot in a name.
    """
    folder = root / "photographs"
    write_table(folder / "photographs.csv", rows)
    for seed, cells in enumerate(rows):
        noise = np.random.default_rng(seed).integers(0, 20, (90, 120, 3))
        write_image(folder / str(cells["image"]), (make_photo("any").image * 0.9 + noise).astype(np.uint8))
        if cells.get("mask"):
            write_mask(folder / str(cells["mask"]), ellipse())
    own = {
        "categories": ["mug"],
        "data__reader": "folder",
        "data__generate": [],
        "poses__backend": "unknown",
        "depth__backend": "unknown",
        "trained": [],
        "reconstruction__variants": [],
    }
    return Workspace(root, tiny_params(**{**own, **overrides}))
