"""The answers of a trained category. Pixels are continuous: the centre of the top left pixel is (0.5, 0.5)."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from pipeline.config.cells import Cell
from pipeline.matching.images import EvaluatedImage
from pipeline.prediction.predictions import Prediction


class PreparedPhoto(NamedTuple):
    """One object in one photograph, ready to be matched and reconstructed by the model that prepared it."""

    cell: Cell
    """The trained model that prepared it."""
    image: EvaluatedImage
    """Crop, patch features and projected mesh, in crop coordinates."""
    prediction: Prediction
    """The predicted mesh; its projection is in pixels of the photograph."""


class Matches(NamedTuple):
    """Points of photograph a, found in photograph b."""

    points: Float[np.ndarray, "N 2"]
    """Pixels of photograph b."""
    visible: Bool[np.ndarray, "N"]
    """Whether the vertex that carries a point is visible in b. Where it is not, the object itself hides the match."""
    similarity: Float[np.ndarray, "N"]
    """Cosine of the patch features' principal components at the two points; 1 where they are alike."""
    probability: Float[np.ndarray, "N"]
    """Probability that a match is right: within a tenth of the longer side of the object's box in b of the true place.
    NaN where the model has not been evaluated, or had no calibration pairs (`data.calibration_split`)."""


class Reconstruction(NamedTuple):
    """The posed, deformed mesh of one object. Vertex i is the same point of the category in every photograph."""

    vertices: Float[np.ndarray, "V 3"]
    """Deformed template in the object frame: x to its own left, y up, z to its front (docs/conventions.md)."""
    faces: Int[np.ndarray, "F 3"]
    rotation: Float[np.ndarray, "3 3"]
    """Rotation from the object frame to the camera frame."""
    pixels: Float[np.ndarray, "V 2"]
    """Projected vertices in pixels of the photograph."""
    visible: Bool[np.ndarray, "V"]
    """Whether a vertex is seen in the photograph."""
    identity: Float[np.ndarray, "V 3"]
    """A colour for each vertex in [0, 1], the same in every photograph: its place in the template's bounding box."""
    albedo: Float[np.ndarray, "V 3"]
    """The object's own colours in [0, 1], before any light."""
