"""Overlap of a predicted silhouette with the annotated mask."""

import numpy as np
from jaxtyping import Bool


def mask_iou(predicted: Bool[np.ndarray, "H W"], annotated: Bool[np.ndarray, "H W"]) -> float:
    """Intersection over union |P & A| / |P | A|, the Jaccard index in [0, 1], of two masks of the same crop.

    Two empty masks give 1, so that equal masks always give 1.
    """
    union = np.count_nonzero(predicted | annotated)
    return np.count_nonzero(predicted & annotated) / union if union else 1.0
