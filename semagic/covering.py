"""Points that cover an object in a photograph."""

import numpy as np
from jaxtyping import Float

from pipeline.base.errors import InputError
from pipeline.matching.spread import grid_over
from pipeline.photographs.crops import from_crop
from semagic.results import PreparedPhoto

POINTS = 40
"""Number of points on the object, about."""


def grid_points(photo: PreparedPhoto, count: int = POINTS) -> Float[np.ndarray, "N 2"]:
    """A square grid of about `count` points, in pixels, where the predicted mesh covers the photograph.

    Raises:
        InputError: the mesh covers no part of the photograph.
    """
    places = grid_over(photo.prediction.silhouette.numpy(), count)
    low, high = photo.image.region.numpy()
    places = places[((places >= low) & (places <= high)).all(1)]
    if len(places) == 0:
        raise InputError("The predicted mesh covers no part of the photograph. Pass points, or the object's box.")
    return from_crop(places, photo.image.crop)
