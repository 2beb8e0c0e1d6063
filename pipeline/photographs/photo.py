"""Photographs in memory, each with the object that is to be labelled in it."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from pipeline.base.errors import InputError
from pipeline.photographs.image_files import read_image
from pipeline.photographs.records import Instance


class Photo(NamedTuple):
    """One object instance and the pixels of its photograph (RGB)."""

    instance: Instance
    image: UInt8[np.ndarray, "H W 3"]
    path: Path
    """File of the photograph."""


def read_photo(root: Path, instance: Instance) -> Photo:
    """Read the photograph of `instance`, whose path is relative to `root` or absolute.

    Raises:
        InputError: the file is missing or damaged, its size is not the annotated one, or the box lies outside it.
    """
    path = root / instance.image
    image = read_image(path)
    height, width = image.shape[:2]
    if (width, height) != (instance.width, instance.height):
        raise InputError(
            f"{path}: the annotation says {instance.width} x {instance.height} pixels, the file {width} x {height}. "
            "Fetch the photograph that belongs to the annotation."
        )
    box = instance.box
    if not (box.width > 0 and box.height > 0):
        raise InputError(
            f"{path}: expected the box of '{instance.key}' from its left top corner to its right bottom one, found "
            f"{tuple(box)}, {box.width:g} wide and {box.height:g} high. Correct the annotation, or remove it."
        )
    if box.x0 >= width or box.y0 >= height or box.x1 <= 0 or box.y1 <= 0:
        raise InputError(
            f"{path}: the box of '{instance.key}' {tuple(box)} must overlap the image of {width} x {height} pixels. "
            "Correct the annotation, or remove it."
        )
    return Photo(instance, image, path)
