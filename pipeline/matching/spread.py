"""Points spread over an object."""

import numpy as np
from jaxtyping import Bool, Float


def grid_over(on: Bool[np.ndarray, "S S"], count: int) -> Float[np.ndarray, "N 2"]:
    """A square grid of about `count` points where a map of a crop is true, in crop coordinates; there may be none."""
    size = len(on)
    step = max(np.sqrt(on.sum() / count), 1.0)
    places = np.arange(step / 2, size, step)
    x, y = (axis.ravel() for axis in np.meshgrid(places, places))
    return np.stack([x, y], 1)[on[y.astype(int), x.astype(int)]] / size
