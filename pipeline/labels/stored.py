"""Numbers of a label as they are stored: in half precision, and each of them finite there."""

import numpy as np
from jaxtyping import Float, Float16

from pipeline.base.errors import InputError

LARGEST = float(np.finfo(np.float16).max)
"""Largest number that float16 holds."""
REMEDY = "Look at the photograph, and take it out of the list if it is unusable, or choose another backend."
"""What to do about a label that is of no use."""


def as_half(values: Float[np.ndarray, "..."], name: str) -> Float16[np.ndarray, "..."]:
    """Convert numbers to float16.

    Args:
        name: name of the label's file, for the error.

    Raises:
        InputError: a number is not finite, or float16 cannot hold it.
    """
    with np.errstate(over="ignore"):
        half = values.astype(np.float16)
    lost = values[~np.isfinite(half)]
    if lost.size:
        raise InputError(
            f"{name}: expected finite numbers of at most {LARGEST:g} (float16), found {lost.size} of {values.size} "
            f"that are not, the first of them {lost[0]:g}. {REMEDY}"
        )
    return half
