"""Object masks. On disk: an 8-bit PNG (see `pipeline.images`)."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool

from pipeline.errors import InputError
from pipeline.labels.photo import Photo


@runtime_checkable
class MaskBackend(Protocol):
    """Anything that finds the annotated object's pixels."""

    def mask(self, photo: Photo) -> Bool[np.ndarray, "H W"]:
        """Pixels of the object in the original photograph; all False when it finds none.

        Raises:
            InputError: this image cannot be segmented.
        """
        ...


def nonempty_mask(backend: MaskBackend, photo: Photo) -> Bool[np.ndarray, "H W"]:
    """The backend's mask.

    Raises:
        InputError: the mask is empty.
    """
    mask = backend.mask(photo)
    if not mask.any():
        raise InputError(
            f"{photo.instance.image}: the mask of '{photo.instance.key}' is empty; nothing was found in its box."
        )
    return mask
