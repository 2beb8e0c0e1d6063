"""The place of each annotated keypoint on the template: the vertex that photographs agree on."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from pipeline.evaluation.drift import assign_keypoints
from pipeline.prediction.predictions import Predictions


def template_keypoints(
    annotated: Mapping[str, Mapping[str, Float[np.ndarray, "2"]]], predictions: Predictions
) -> dict[str, int]:
    """The template's vertex for each keypoint that a photograph annotates.

    In each photograph a keypoint belongs to the nearest visible vertex (Eq. 10) of the subdivided mesh. The template's
    vertex is the one nearest to the median of these, coordinate by coordinate, so that wrong poses hardly move it.

    Args:
        annotated: keypoints in pixels, by photograph and name; photographs without a prediction are left out.
    """
    places: dict[str, list[np.ndarray]] = {}
    positions, template = predictions.positions.numpy(), predictions.template.numpy()
    for image, keypoints in annotated.items():
        if image in predictions.images:
            pixels = {name: (float(x), float(y)) for name, (x, y) in keypoints.items()}
            for name, vertex in assign_keypoints(predictions.images[image].projection, pixels).items():
                places.setdefault(name, []).append(positions[vertex])
    medians = {name: np.median(found, axis=0) for name, found in sorted(places.items())}
    return {name: int(np.square(template - place).sum(1).argmin()) for name, place in medians.items()}
