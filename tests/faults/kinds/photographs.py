"""Photographs, masks, and tables of photographs of one's own."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from faults.kind import Kind, Skipped, file_kind
from pipeline.config.workspace import Workspace
from pipeline.data.paper_rules import select
from pipeline.data.photographs_csv import read_rows
from pipeline.data.selection import Selection, write_selection
from pipeline.photographs.image_files import read_image, read_mask, write_image, write_mask
from pipeline.photographs.photo import Photo, read_photo
from support.folders import keypoints, row, write_folder
from support.photographs import SHAPE, ellipse, make_instance, make_photo
from support.tiny import tiny_params

OWN = {
    "categories": ["mug"],
    "data__reader": "folder",
    "data__generate": [],
    "masks__backend": "given",
    "poses__backend": "unknown",
    "depth__backend": "unknown",
    "trained": [],
    "reconstruction__variants": [],
}
NAMES = ("left", "right", "top")


def pictures(root: Path) -> None:
    """A photograph in both formats, and a mask."""
    image = make_photo("any").image
    write_image(root / "a.jpg", image)
    write_image(root / "a.png", image)
    write_mask(root / "mask.png", ellipse())


def folder(root: Path) -> None:
    """Photographs of one's own, with a table, boxes, keypoints, angles and masks."""
    more = {"azimuth": 30, "elevation": 5, "theta": 0, "truncated": 0, **keypoints(*NAMES)}
    rows = [row(name, "train", mask=f"{name}_mask.png", **more) for name in ("a", "b")]
    rows += [row(name, "test", mask=f"{name}_mask.png", **more) for name in ("c", "d")]
    write_folder(root, rows)


def read_a_photo(path: Path) -> Photo:
    return read_photo(path.parent, dataclasses.replace(make_instance("a"), image=path.name))


def check_photo(photo: Photo) -> None:
    assert photo.image.shape == (*SHAPE, 3) and photo.image.dtype == np.uint8


def check_mask(mask: np.ndarray) -> None:
    assert mask.dtype == bool and mask.ndim == 2 and mask.size <= 1 << 28


def check_image(image: np.ndarray) -> None:
    assert image.dtype == np.uint8 and image.ndim == 3 and image.size <= 1 << 30


def workspace_of_folder(root: Path) -> Workspace:
    """The workspace that reads `folder`."""
    return Workspace(root, tiny_params(**OWN))


def read_folder(root: Path) -> Selection:
    """The stage `instances` on a folder of one's own."""
    selection = select(workspace_of_folder(root), "mug")
    write_selection(workspace_of_folder(root), selection)
    if selection.skipped:
        raise Skipped(str(selection.skipped))
    return selection


def read_given_mask(root: Path) -> Any:
    rows = {row.name: row for row in read_rows(root / "photographs" / "photographs.csv")}
    return rows["a"].read_mask(*SHAPE)


def _check_folder(selection: Selection) -> None:
    for instance in selection.instances:
        assert 0 <= instance.box.x0 < instance.box.x1 <= instance.width
        assert 0 <= instance.box.y0 < instance.box.y1 <= instance.height
    for pair in selection.pairs.pairs:
        assert np.isfinite(pair.source_keypoints).all() and np.isfinite(pair.target_keypoints).all()
        assert np.isfinite([*pair.source_box, *pair.target_box]).all()


KINDS = (
    file_kind("photograph, JPEG", pictures, "a.jpg", read_a_photo, check=check_photo),
    file_kind("photograph, PNG", pictures, "a.png", read_a_photo, check=check_photo),
    file_kind("photograph of any size", pictures, "a.png", read_image, check=check_image),
    file_kind("mask", pictures, "mask.png", read_mask, check=check_mask),
    Kind("photograph of one's own", folder, "photographs/a.png", read_folder, check=_check_folder),
    Kind("mask of one's own", folder, "photographs/a_mask.png", read_given_mask, check=check_mask),
    Kind("photographs.csv", folder, "photographs/photographs.csv", read_folder, "text", _check_folder),
)
