"""Object masks. On disk: an 8-bit PNG (`pipeline.photographs.image_files`), and JSON with what a network said of it."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool

from pipeline.base.checksums import checked, is_listed
from pipeline.base.errors import InputError
from pipeline.base.files import write_json
from pipeline.labels.masks.cleaning import inside
from pipeline.labels.stored import REMEDY
from pipeline.photographs.image_files import read_mask, write_mask
from pipeline.photographs.photo import Photo
from pipeline.photographs.records import Instance

FEWEST_PIXELS = 4
"""Fewest pixels of a mask in its box: fewer show no outline."""
LEAST_SHARE = 0.001
"""Least share of the box that a mask covers: less are stray pixels."""
LEAST_INSIDE = 0.5
"""Least share of a mask that lies in the box: otherwise it is of another object, or of everything."""


class MaskLabel(NamedTuple):
    """The object's pixels, and how sure the network is that proposed them."""

    pixels: Bool[np.ndarray, "H W"]
    """Mask in the original photograph; all False where nothing was found."""
    score: float | None = None
    """Predicted intersection over union with the object's true mask, of backends that have one."""
    candidate: int | None = None
    """Number of the network's mask: 0 to 2 of the three for an ambiguous prompt, -1 the single one."""
    reason: str = "nothing was found in the object's box"
    """Why the mask is empty, where it is."""


@runtime_checkable
class MaskBackend(Protocol):
    """Anything that finds the annotated object's pixels."""

    def masks(self, photos: Sequence[Photo]) -> list[MaskLabel]:
        """Masks of the objects in some photographs, in their order.

        Raises:
            InputError: one of the images cannot be segmented.
        """
        ...


def read_mask_label(path: Path) -> Bool[np.ndarray, "H W"]:
    """Read the object's pixels in the original photograph.

    Raises:
        InputError: there is no such label, or it is damaged.
    """
    if not is_listed(path):
        raise InputError(f"{path}: expected a mask label, found none. Run the stage `masks`; its summary lists skips.")
    return read_mask(checked(path))


def write_mask_label(path: Path, label: MaskLabel, instance: Instance) -> None:
    """Write the PNG `path` and, where there is a score, the JSON of the same name.

    Raises:
        InputError: the mask is not one of the object in the box of `instance`, or its score is no number.
    """
    _check(path.name, label, instance)
    if label.score is not None:
        write_json(path.with_suffix(".json"), {"score": label.score, "candidate": label.candidate})
    write_mask(path, label.pixels)


def _check(name: str, label: MaskLabel, instance: Instance) -> None:
    """Check that a mask is one of the photograph, and is in the box of the object more than anywhere else."""
    pixels, box = label.pixels, instance.box
    if pixels.dtype != bool or pixels.shape != (instance.height, instance.width):
        raise InputError(
            f"{name}: expected a mask of {instance.width} x {instance.height} pixels, as in the photograph, found "
            f"{pixels.dtype} of the shape {list(pixels.shape)}. {REMEDY}"
        )
    found = int(pixels.sum())
    if not found:
        raise InputError(f"{name}: the mask would be empty; {label.reason}. {REMEDY}")
    within = int((pixels & inside(box, *pixels.shape)).sum())
    least = max(FEWEST_PIXELS, math.ceil(LEAST_SHARE * box.width * box.height))
    if within < least or within < LEAST_INSIDE * found:
        raise InputError(
            f"{name}: expected a mask of the object in the box {tuple(box)}: {least} pixels or more, and most of them "
            f"in the box; found {found} pixels, {within} of them in the box. {REMEDY}"
        )
    if label.score is not None and not math.isfinite(label.score):
        raise InputError(f"{name}: expected the network's score as a finite number, found {label.score}. {REMEDY}")
