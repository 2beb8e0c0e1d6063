"""photographs.csv: what is known of photographs of one's own, as a table that a spreadsheet can write.

One line describes one object in one photograph. The columns may stand in any order; those below `split` are optional,
and an empty cell is an unknown value.

| column | content |
|---|---|
| `image` | path of the photograph below the folder of the table; no two of a category have the same file name |
| `category` | any name of letters, digits, `_` and `-` |
| `split` | `train` to learn from the photograph; `test` (or `trn`, `val`) to evaluate pairs of it |
| `x0`, `y0`, `x1`, `y1` | box round the object, in the photograph or hardly beyond; by default that of the mask |
| `mask` | path, below that folder, of an image of the same size, white on the object and black elsewhere |
| `azimuth`, `elevation`, `theta` | viewpoint in degrees, as in docs/conventions.md |
| `symmetry` | number of azimuths that look alike: 1, 2 or 4, or 0 if all do; by default that of the category, or 1 |
| `truncated`, `occluded` | 1 if the frame cuts the object off, or if something stands before it; by default 0 |
| `kp:<name>:x`, `kp:<name>:y` | place of the keypoint <name>, in the box or near; both are empty if it is not visible |

Pixels are continuous: (0, 0) is the top left corner of the photograph, x points to the right and y down.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from pipeline.base.errors import InputError, nearest
from pipeline.base.inside import inside
from pipeline.config.categories import check_category, symmetry_fold
from pipeline.data.csv_lines import Line, read_lines
from pipeline.data.drawn_masks import read_drawn_mask
from pipeline.photographs.records import Box

REQUIRED = ("image", "category", "split")
BOX = ("x0", "y0", "x1", "y1")
ANGLES = ("azimuth", "elevation", "theta")
KNOWN = (*REQUIRED, *BOX, "mask", *ANGLES, "symmetry", "truncated", "occluded")
KEYPOINT = re.compile(r"kp:(.+):([xy])")
SPLITS = ("train", "trn", "val", "test")
FOLDS = ("0", "1", "2", "4")


class Angles(NamedTuple):
    """A viewpoint in PASCAL3D+'s angles, in degrees."""

    azimuth: float
    elevation: float
    """Degrees in [-90, 90]."""
    theta: float


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    where: str
    """File and number of the line; errors begin with it."""
    image: Path
    category: str
    split: str
    box: Box | None
    """Continuous pixels; None where the mask gives it, or nobody does."""
    mask: Path | None
    angles: Angles | None
    symmetry: int
    """Number of azimuths that look alike: 1, 2 or 4; 0 if all do."""
    truncated: bool
    occluded: bool
    keypoints: dict[str, tuple[float, float]]
    """Continuous pixels of the visible keypoints, by name."""

    @property
    def name(self) -> str:
        """Name of the instance: that of the image file, without suffix."""
        return self.image.stem

    @property
    def key(self) -> str:
        """Name of the instance among those of all categories."""
        return f"{self.category}/{self.name}"

    def read_mask(self, height: int, width: int) -> Bool[np.ndarray, "{height} {width}"]:
        """The object's pixels in the file that the column `mask` names.

        Args:
            height: of the photograph in pixels; so is `width`.

        Raises:
            InputError: no file is named, or it is missing, damaged, not in black and white, of another size or black.
        """
        where = f"{self.where}, column 'mask': expected"
        if self.mask is None:
            raise InputError(f"{where} the path of a mask, found nothing. Name one, or take another mask backend.")
        if not self.mask.is_file():
            raise InputError(f"{where} an image, found no file {self.mask}. Correct the path, or empty the cell.")
        mask = read_drawn_mask(self.mask)
        if mask.shape != (height, width):
            found = f"{mask.shape[1]} x {mask.shape[0]}"
            raise InputError(f"{where} {width} x {height} pixels, as in the photograph, found {found}. Resize it.")
        if not mask.any():
            raise InputError(f"{where} white pixels on the object, found none in {self.mask}. Correct the mask.")
        return mask


def read_rows(table: Path, defaults: Mapping[str, str] = MappingProxyType({}), boxes: bool = True) -> tuple[Row, ...]:
    """Read a photographs.csv.

    Args:
        defaults: what stands in the lines of columns that the table lacks.
        boxes: whether each line must have a box or a mask.

    Raises:
        InputError: the file is missing or is not text, a column is unknown or missing, a cell is malformed, or two
            lines of a category have images of the same name.
    """
    if not table.is_file():
        raise InputError(
            f"{table}: expected the table of your photographs, found no file. Write it, or correct data.folder in "
            "params.yaml; pipeline/data/photographs_csv.py describes the columns."
        )
    header, lines = read_lines(table)
    added = tuple(name for name in defaults if name not in header)
    # A line may have fewer values than there are columns.
    values = tuple(defaults[name] for name in added)
    lines = [
        replace(line, header=(*header, *added), cells=(*line.cells, *[""] * (len(header) - len(line.cells)), *values))
        for line in lines
    ]
    _check_header(table, (*header, *added))
    rows = tuple(_row(table.parent, line, boxes) for line in lines)
    _check_names(rows)
    return rows


def _check_header(table: Path, header: tuple[str, ...]) -> None:
    for name in REQUIRED:
        if name not in header:
            raise InputError(f"{table}, line 1: expected the column '{name}', found {', '.join(header)}. Add it.")
    for name in header:
        keypoint = KEYPOINT.fullmatch(name)
        if keypoint is None and name not in KNOWN:
            raise InputError(f"{table}, line 1: unknown column '{name}'. {nearest(name, (*KNOWN, 'kp:<name>:x'))}")
        partner = keypoint and f"kp:{keypoint[1]}:{'y' if keypoint[2] == 'x' else 'x'}"
        if partner and partner not in header:
            raise InputError(f"{table}, line 1: expected the column '{partner}' beside '{name}', found none. Add it.")


def _check_names(rows: Iterable[Row]) -> None:
    """Check that labels, which are files with the names of the photographs, do not replace each other."""
    first: dict[str, Row] = {}
    for row in rows:
        other = first.setdefault(row.key, row)
        if other is not row:
            raise InputError(
                f"{row.where}, column 'image': expected a file name that no other photograph of the category "
                f"'{row.category}' has, found '{row.name}' again ({other.where}). Rename the file, or remove the line."
            )


def _row(folder: Path, line: Line, boxes: bool) -> Row:
    if not line.text("image"):
        raise line.wrong("image", "the path of a photograph")
    return Row(
        where=line.where,
        image=_path(folder, line, "image"),
        category=_category(line),
        split=line.one_of("split", SPLITS),
        box=_box(line, boxes),
        mask=_path(folder, line, "mask") if line.text("mask") else None,
        angles=_angles(line),
        symmetry=int(line.one_of("symmetry", FOLDS)) if line.text("symmetry") else symmetry_fold(line.text("category")),
        truncated=_flag(line, "truncated"),
        occluded=_flag(line, "occluded"),
        keypoints=_keypoints(line),
    )


def _path(folder: Path, line: Line, column: str) -> Path:
    """The path in a cell, which stays below the folder of the table."""
    try:
        return inside(folder, *PurePosixPath(line.text(column)).parts)
    except InputError as error:
        raise line.wrong(column, f"a path below the folder of the table ({error})") from None


def _category(line: Line) -> str:
    try:
        return check_category(line.text("category"), "folder")
    except InputError:
        raise line.wrong("category", "letters, digits, '_' and '-'") from None


def _box(line: Line, needed: bool) -> Box | None:
    corners = line.numbers(BOX)
    if corners is None:
        if needed and not line.text("mask"):
            raise line.wrong("x0", "a box in x0, y0, x1 and y1, or a mask")
        return None
    box = Box(*corners)
    if box.width <= 0:
        raise line.wrong("x1", f"more than x0, which is {box.x0:g}")
    if box.height <= 0:
        raise line.wrong("y1", f"more than y0, which is {box.y0:g}")
    return box


def _angles(line: Line) -> Angles | None:
    found = line.numbers(ANGLES)
    if found is None:
        return None
    angles = Angles(*found)
    for name, largest in (("azimuth", 360), ("elevation", 90), ("theta", 360)):
        if abs(getattr(angles, name)) > largest:
            raise line.wrong(name, f"degrees from -{largest} to {largest}")
    return angles


def _flag(line: Line, column: str) -> bool:
    return bool(line.text(column)) and line.one_of(column, ("0", "1")) == "1"


def _keypoints(line: Line) -> dict[str, tuple[float, float]]:
    names = sorted({found[1] for column in line.header if (found := KEYPOINT.fullmatch(column))})
    places = {name: line.numbers((f"kp:{name}:x", f"kp:{name}:y")) for name in names}
    return {name: (place[0], place[1]) for name, place in places.items() if place is not None}
