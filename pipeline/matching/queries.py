"""The keypoints of all scored pairs of a category as one list, so that an image answers all of its queries at once."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from pipeline.photographs.crops import Crop, to_crop
from pipeline.photographs.records import Pair


class Queries(NamedTuple):
    """Source keypoints that are looked for, pair after pair; images are numbered."""

    target: Int64[Tensor, "Q"]
    """Number of the image in which a keypoint is looked for."""
    point: Int64[Tensor, "Q"]
    """Row of the keypoint in `points`: an image is the source of many pairs, so that its keypoints recur."""
    source: Int64[Tensor, "U"]
    """Number of the source image of each distinct keypoint."""
    points: Float[Tensor, "U 2"]
    """Distinct keypoints in crop coordinates of their source image, in double precision."""


def make_queries(pairs: Sequence[Pair], crops: Mapping[str, Crop]) -> Queries:
    """List the source keypoints of one or more `pairs`; images are numbered in the order of `crops`."""
    numbers = {name: number for number, name in enumerate(crops)}
    counts = [len(pair.source_keypoints) for pair in pairs]
    sources, targets = np.repeat([[numbers[p.source], numbers[p.target]] for p in pairs], counts, axis=0).T
    pixels = np.concatenate([pair.source_keypoints for pair in pairs])
    distinct, point = np.unique(np.column_stack([sources, pixels]), axis=0, return_inverse=True)
    source = distinct[:, 0].astype(np.int64)
    points = [to_crop(distinct[source == numbers[name], 1:], crop) for name, crop in crops.items()]
    return Queries(*map(torch.from_numpy, (targets.copy(), point.reshape(-1), source, np.concatenate(points))))


def by_image(number: Int64[Tensor, "Q"], count: int, answer: Callable[[int, Int64[Tensor, "_"]], Tensor]) -> Tensor:
    """Ask each of `count` images once, for all of its rows.

    Args:
        number: number of the image of each row; there is a row.
        answer: gives a row for each of an image's rows, from the number of the image and these rows.

    Returns:
        The answers to all rows, in their order.
    """
    rows = number.argsort(stable=True)
    groups = rows.split(number.bincount(minlength=count).tolist())
    answers = torch.cat([answer(image, group) for image, group in enumerate(groups) if len(group)])
    return torch.empty_like(answers).index_copy_(0, rows, answers)
