"""Choice of one mask among those that Segment Anything proposes for a box."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from pipeline.config.label_params import MaskChoice, Masks
from pipeline.labels.masks import MaskLabel
from pipeline.labels.masks.cleaning import clean
from pipeline.photographs.photo import Photo
from pipeline.photographs.records import Box, bounding_box, intersection_over_union

SINGLE = -1
"""Candidate number of the network's one mask for a prompt that does not count as ambiguous."""


class Proposals(NamedTuple):
    """Masks that a network proposes for one prompt."""

    pixels: Bool[np.ndarray, "C H W"]
    """Masks in the original photograph."""
    scores: Float[np.ndarray, "C"]
    """Predicted intersection over union with the object's true mask."""


def prompt_box(photo: Photo) -> Box:
    """The annotated box as far as it lies in the photograph, in continuous pixels."""
    height, width = photo.image.shape[:2]
    box = photo.instance.box
    return Box(max(box.x0, 0.0), max(box.y0, 0.0), min(box.x1, float(width)), min(box.y1, float(height)))


def choose(
    candidates: Bool[np.ndarray, "C H W"], scores: Float[np.ndarray, "C"], box: Box, params: MaskChoice
) -> int | None:
    """Index of the candidate with the highest score among those that fit `box`; None if none does.

    A candidate fits if its own bounding box and `box` have an intersection over union of `box_overlap` or more, and its
    area is `box_share` of the box's or more. That rules out parts of the object, such as a wheel, and its surroundings.
    """
    least = params.box_share * box.width * box.height
    fitting = [
        index
        for index, mask in enumerate(candidates)
        if mask.any() and mask.sum() >= least and intersection_over_union(bounding_box(mask), box) >= params.box_overlap
    ]
    return max(fitting, key=lambda index: scores[index], default=None)


def label_from(three: Proposals, single: Callable[[], Proposals], box: Box, params: Masks) -> MaskLabel:
    """The label of an object from the masks that the network proposes for its `box`; empty if none of them fits.

    Args:
        three: the network's masks for an ambiguous prompt.
        single: the network's one mask for a prompt that is not ambiguous; asked for if none of the three fits.
    """
    for proposed, first in ((lambda: three, 0), (single, SINGLE)):
        proposals = proposed()
        index = choose(proposals.pixels, proposals.scores, box, params.choice)
        if index is not None:
            mask = clean(proposals.pixels[index], box, params.cleaning)
            return MaskLabel(mask, float(proposals.scores[index]), first + index)
    limits = f"masks.choice: box_overlap {params.choice.box_overlap:g}, box_share {params.choice.box_share:g}"
    reason = f"none of the network's {len(three.pixels) + 1} masks fits the object's box ({limits})"
    return MaskLabel(np.zeros(three.pixels.shape[1:], bool), reason=reason)
