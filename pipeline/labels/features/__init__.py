"""Patch features of the object's crop. On disk: an archive of float16 arrays `tokens` and, for training, `flipped`."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from pipeline.base.errors import InputError
from pipeline.base.files import write_atomically
from pipeline.photographs.crops import Crop
from pipeline.photographs.photo import Photo


class Tokens(NamedTuple):
    """Features of a grid of patches; token [i, j] belongs to crop coordinates ((j + 0.5) / T, (i + 0.5) / T)."""

    tokens: Float32[np.ndarray, "T T D"]
    flipped: Float32[np.ndarray, "T T D"] | None
    """Features of the crop mirrored left to right, for training images; None for others."""


@runtime_checkable
class FeatureBackend(Protocol):
    """Anything that describes the patches of a crop."""

    def token_maps(
        self, photos: Sequence[Photo], crops: Sequence[Crop], flip: bool
    ) -> list[Float32[np.ndarray, "T T D"]]:
        """Features of a crop of each photograph, mirrored left to right first if `flip`.

        Raises:
            InputError: one of the images cannot be described.
        """
        ...


def write_tokens(path: Path, tokens: Tokens) -> None:
    """Write one image's features; equal content gives equal bytes."""
    arrays = {name: array.astype(np.float16) for name, array in tokens._asdict().items() if array is not None}
    write_atomically(path, lambda stream: np.savez(stream, **arrays))


def read_tokens(path: Path) -> Tokens:
    """Read one image's features.

    Raises:
        InputError: there are none.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: expected patch features, found none. Run the stage `features`; its summary lists skips."
        )
    with np.load(path) as archive:
        arrays = {name: array.astype(np.float32) for name, array in archive.items()}
    return Tokens(arrays["tokens"], arrays.get("flipped"))
