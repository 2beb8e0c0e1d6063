"""The training set of a category of one's own: photographs/<category>/ and its lines in photographs.csv."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from pipeline.base.files import make_folder, partial_of, remove_folder, replace_folder, write_text
from pipeline.data.csv_lines import read_lines
from pipeline.data.photographs_csv import ANGLES, BOX, KNOWN, Row
from pipeline.photographs.image_files import write_image, write_mask
from semagic.own.gather import Gathered

TABLE = "photographs.csv"
HELD_OUT = 5
"""One photograph in so many is held out to see what the model is worth."""
CALIBRATION = 8
"""Held-out photographs with keypoints from which on every second one teaches how far a match can be trusted."""


def splits(gathered: list[Gathered]) -> dict[str, str]:
    """The split of each photograph by name: as the annotations say, or one in `HELD_OUT` for evaluation."""
    given = {one.name: one.row.split for one in gathered if one.row is not None and one.row.split}
    if given:
        return {one.name: given.get(one.name, "train") for one in gathered}
    # Photographs with keypoints are the ones to evaluate by.
    annotated = [one.name for one in gathered if one.row is not None and one.row.keypoints]
    pool = annotated if len(annotated) >= 2 else [one.name for one in gathered]
    held = pool[HELD_OUT - 1 :: HELD_OUT] if len(pool) == len(gathered) else pool[: max(2, len(gathered) // HELD_OUT)]
    found = {one.name: "train" for one in gathered}
    teaching = len(held) >= CALIBRATION and bool(annotated)
    for number, name in enumerate(held):
        found[name] = "val" if teaching and number % 2 else "test"
    return found


def write_category(
    folder: Path, category: str, gathered: Iterable[Gathered], split: dict[str, str], fold: int | None
) -> None:
    """Write photographs and masks of a category, and replace its lines in the table; other categories' lines stay.

    The folder of the category appears when all of it is there.

    Args:
        folder: `data.folder`.
        fold: number of azimuths that look alike; None leaves what the annotations say, or 1.
    """
    target = (folder / category).absolute()
    unfinished = partial_of(target)
    make_folder(folder)
    remove_folder(unfinished)
    make_folder(unfinished)
    lines = []
    for one in gathered:
        write_image(unfinished / f"{one.name}.png", one.image)
        lines.append(_line(category, one, split[one.name], fold))
        if one.row is not None and one.row.mask is not None:
            height, width = (round(side / one.scale) for side in one.image.shape[:2])
            mask = one.row.read_mask(height, width).astype(np.uint8)
            small = cv2.resize(mask, one.image.shape[1::-1], interpolation=cv2.INTER_NEAREST)
            make_folder(unfinished / "masks")
            write_mask(unfinished / "masks" / f"{one.name}.png", small > 0)
            lines[-1]["mask"] = f"{category}/masks/{one.name}.png"
    table = folder / TABLE
    others = _other_lines(table, category)
    replace_folder(target, unfinished)
    write_text(table, _csv([*others, *lines]))


def table_categories(folder: Path) -> list[str]:
    """The categories of the table in `folder`, in the order of their first lines; none without a table."""
    table = folder / TABLE
    if not table.is_file():
        return []
    return list(dict.fromkeys(line.text("category") for line in read_lines(table)[1]))


def _line(category: str, one: Gathered, split: str, fold: int | None) -> dict[str, str]:
    line = {"image": f"{category}/{one.name}.png", "category": category, "split": split}
    line |= dict(zip(BOX, (f"{number:.2f}" for number in one.box), strict=True))
    row: Row | None = one.row
    if row is None:
        return {**line, "symmetry": str(1 if fold is None else fold)}
    line["symmetry"] = str(row.symmetry if fold is None else fold)
    if row.angles is not None:
        line |= dict(zip(ANGLES, (f"{angle:g}" for angle in row.angles), strict=True))
    for name, (x, y) in row.keypoints.items():
        line |= {f"kp:{name}:x": f"{x * one.scale:.2f}", f"kp:{name}:y": f"{y * one.scale:.2f}"}
    flags = {name: str(int(getattr(row, name))) for name in ("truncated", "occluded")}
    return {**line, **flags}


def _other_lines(table: Path, category: str) -> list[dict[str, str]]:
    if not table.is_file():
        return []
    header, lines = read_lines(table)
    return [
        {name: line.text(name) for name in header if line.text(name)}
        for line in lines
        if line.text("category") != category
    ]


def _csv(lines: list[dict[str, str]]) -> str:
    used = dict.fromkeys(name for line in lines for name in line)
    columns = [*(name for name in KNOWN if name in used), *(name for name in sorted(used) if name not in KNOWN)]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()
