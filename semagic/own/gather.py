"""Photographs of a folder, read, upright, no larger than needed, each with the box of its object."""

import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8
from tqdm import tqdm

from pipeline.base.errors import InputError
from pipeline.data.photographs_csv import Row
from pipeline.labels.masks.grabcut import GrabCutMasks
from pipeline.labels.masks.standing_out import find_object, nearly_whole
from pipeline.photographs.records import Box, bounding_box
from pipeline.photographs.upright import SUFFIXES, read_upright

LONGEST_SIDE = 1600
"""Pixels along the longer side of a photograph that is kept; networks see crops of a few hundred."""
SHORTEST_SIDE = 48
"""Pixels along the shorter side below which nothing can be told."""
LONGEST_SHAPE = 3.0
"""Sides of a photograph, the longer by the shorter, beyond which no object is looked for in it."""


class Gathered(NamedTuple):
    """A photograph that is used."""

    name: str
    """Name of its file without suffix, of letters that any file system takes."""
    source: Path
    image: UInt8[np.ndarray, "H W 3"]
    scale: float
    """Its pixels by those of the source."""
    box: Box
    """Box of the object in pixels of `image`."""
    sure: bool
    """Whether the box is given or was found; otherwise it is nearly the whole photograph."""
    row: Row | None
    """What the table of annotations says of it."""


@dataclass
class Skipped:
    """Reason for each photograph that is not used, by its path below the folder."""

    reasons: dict[str, str]


def list_photographs(folder: Path, most: int, others: Collection[Path] = ()) -> tuple[list[Path], int]:
    """The files of a folder, and of the folders in it, that are named as photographs are, in the order of their names.

    Args:
        others: files that are named as photographs are and are none, such as masks.

    Returns:
        The files, evenly spread if there are more than `most`, and how many there are.

    Raises:
        InputError: there is no such folder, or no photograph in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder of photographs, found none. Correct the path.")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    found = [path for path in files if path.suffix.lower() in SUFFIXES and path.resolve() not in others]
    if not found:
        raise InputError(
            f"{folder}: expected photographs ({', '.join(SUFFIXES)}), found none among {len(files)} files. Correct the "
            "path."
        )
    count = min(most, len(found))
    return [found[i * len(found) // count] for i in range(count)], len(found)


def gather(
    folder: Path,
    paths: Sequence[Path],
    rows: Mapping[Path, Row],
    grabcut: GrabCutMasks,
    skipped: Skipped,
    read: Callable[[Path], UInt8[np.ndarray, "H W 3"]] = read_upright,
) -> Iterator[Gathered]:
    """Read photographs one after the other; those that cannot be used go into `skipped` with the reason.

    Args:
        rows: annotations by the path of the photograph.
        grabcut: finds objects without a box.
    """
    seen: dict[str, Path] = {}
    names: set[str] = set()
    for path in tqdm(paths, desc=f"{folder}: reading", unit="photograph"):
        label = path.relative_to(folder).as_posix()
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest in seen:
            skipped.reasons[label] = f"the same file as {seen[digest].relative_to(folder).as_posix()}"
            continue
        seen[digest] = path
        try:
            image = read(path)
            row = rows.get(path)
            box, sure = _box(label, image, row, grabcut)
        except InputError as error:
            skipped.reasons[label] = str(error).removeprefix(f"{path}: ")
            continue
        scale = min(1.0, LONGEST_SIDE / max(image.shape[:2]))
        if scale < 1:
            size = [max(1, round(side * scale)) for side in image.shape[1::-1]]
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        name = _free_name(path.relative_to(folder), names)
        names.add(name)
        yield Gathered(name, path, image, scale, Box(*(scale * number for number in box)), sure, row)


def _box(label: str, image: UInt8[np.ndarray, "H W 3"], row: Row | None, grabcut: GrabCutMasks) -> tuple[Box, bool]:
    height, width = image.shape[:2]
    if min(height, width) < SHORTEST_SIDE:
        raise InputError(f"{width} x {height} pixels; at least {SHORTEST_SIDE} along each side are needed")
    if row is not None and (row.box is not None or row.mask is not None):
        return (row.box or bounding_box(row.read_mask(height, width))), True
    if max(height, width) > LONGEST_SHAPE * min(height, width):
        raise InputError(f"a panorama of {width} x {height} pixels; name the object's box in a table (--table)")
    found = find_object(image, grabcut)
    return (found, True) if found is not None else (nearly_whole(width, height), False)


def _free_name(path: Path, taken: set[str]) -> str:
    """A name for the photograph that no other one has."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", path.with_suffix("").as_posix()).strip("_") or "photograph"
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}_{number}", number + 1
    return name
