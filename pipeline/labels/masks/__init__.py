"""Object masks. On disk: an 8-bit PNG (`pipeline.photographs.image_files`), and JSON with what a network said of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool

from pipeline.base.errors import InputError
from pipeline.base.files import write_json
from pipeline.photographs.image_files import write_mask
from pipeline.photographs.photo import Photo


class MaskLabel(NamedTuple):
    """The object's pixels, and how sure the network is that proposed them."""

    pixels: Bool[np.ndarray, "H W"]
    """Mask in the original photograph; all False where nothing was found."""
    score: float | None = None
    """Predicted intersection over union with the object's true mask, of backends that have one."""
    candidate: int | None = None
    """Number of the network's mask: 0 to 2 of the three for an ambiguous prompt, -1 the single one."""


@runtime_checkable
class MaskBackend(Protocol):
    """Anything that finds the annotated object's pixels."""

    def masks(self, photos: Sequence[Photo]) -> list[MaskLabel]:
        """Masks of the objects in some photographs, in their order.

        Raises:
            InputError: one of the images cannot be segmented.
        """
        ...


def write_mask_label(path: Path, label: MaskLabel) -> None:
    """Write the PNG `path` and, where there is a score, the JSON of the same name.

    Raises:
        InputError: the mask is empty.
    """
    if not label.pixels.any():
        raise InputError(f"{path.name}: the mask would be empty; nothing was found in the object's box.")
    if label.score is not None:
        write_json(path.with_suffix(".json"), {"score": label.score, "candidate": label.candidate})
    write_mask(path, label.pixels)
