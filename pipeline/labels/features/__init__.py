"""Patch features of the object's crop. On disk: an archive of float16 arrays `tokens` and, for training, `flipped`."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from pipeline.base.checksums import checked, is_listed
from pipeline.base.contents import parsing, read_arrays
from pipeline.base.errors import InputError
from pipeline.base.files import write_atomically
from pipeline.labels.stored import REMEDY, as_half
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
    """Write one image's features; equal content gives equal bytes.

    Raises:
        InputError: the grids are not square or of different shapes, all patches of one are alike, or a number is not
            finite as it is stored.
    """
    arrays = {name: array for name, array in tokens._asdict().items() if array is not None}
    shape = tokens.tokens.shape
    stored = {}
    for name, array in arrays.items():
        if array.shape != shape or len(shape) != 3 or shape[0] != shape[1] or not array.size:
            raise InputError(
                f"{path.name}: expected '{name}' as a square grid [T, T, D], like 'tokens', found {list(array.shape)}, "
                f"and 'tokens' is {list(shape)}. {REMEDY}"
            )
        stored[name] = as_half(array, f"{path.name}, '{name}'")
        if (stored[name] == stored[name][0, 0]).all():
            raise InputError(
                f"{path.name}, '{name}': expected features that tell one patch from another, found the same in all of "
                f"{shape[0]} x {shape[1]} patches. {REMEDY}"
            )
    write_atomically(path, lambda stream: np.savez(stream, **stored))


def read_tokens(path: Path) -> Tokens:
    """Read one image's features.

    Raises:
        InputError: there are none, or the file is damaged.
    """
    if not is_listed(path):
        raise InputError(
            f"{path}: expected patch features, found none. Run the stage `features`; its summary lists skips."
        )
    with parsing(checked(path), "patch features, arrays [T, T, D] of finite numbers"):
        arrays = {name: array.astype(np.float32) for name, array in read_arrays(path, Tokens._fields).items()}
        for array in arrays.values():
            if array.ndim != 3 or array.shape != arrays["tokens"].shape or not np.isfinite(array).all():
                raise ValueError(f"an array {list(array.shape)} with other numbers")
        return Tokens(arrays["tokens"], arrays.get("flipped"))
