"""Masks of any photograph by GrabCut (Rother, Kolmogorov, Blake 2004): colour models and a graph cut, no weights."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool

from pipeline.base.errors import InputError
from pipeline.config.label_params import GrabCutParams
from pipeline.config.workspace import Workspace
from pipeline.labels.masks import MaskLabel
from pipeline.photographs.photo import Photo
from pipeline.photographs.records import Box

COLOURS = 5
"""Components of each of the two colour models, fixed in OpenCV; a model needs as many pixels."""
MOST_PIXELS = 2**20
"""Pixels that GrabCut cuts at most: with them it takes about 7 seconds and 300 MB."""


@dataclass(frozen=True)
class GrabCutMasks:
    """The largest connected part of what GrabCut takes for foreground inside the annotated box.

    The background's colours come from a frame around the box, `context` times the longer side of the box wide. The mask
    is empty where it would cover less than `smallest_share` of the box: nothing in the box stands out.
    Box and frame are shrunk by a whole factor first where they have more than `MOST_PIXELS` pixels.
    """

    params: GrabCutParams

    def masks(self, photos: Sequence[Photo]) -> list[MaskLabel]:
        return [MaskLabel(self.mask(photo)) for photo in photos]

    def mask(self, photo: Photo) -> Bool[np.ndarray, "H W"]:
        height, width = photo.image.shape[:2]
        box = photo.instance.box
        reach = self.params.context * max(box.width, box.height)
        window = _pixels(Box(box.x0 - reach, box.y0 - reach, box.x1 + reach, box.y1 + reach), height, width)
        labels = np.full((height, width), cv2.GC_BGD, np.uint8)
        labels[_pixels(box, height, width)] = cv2.GC_PR_FGD
        seen, start = _shrunk(np.ascontiguousarray(photo.image[window]), labels[window].copy())
        inside = (start != cv2.GC_BGD).sum()
        if inside < COLOURS or start.size - inside < COLOURS:
            raise InputError(
                f"{photo.instance.image}: {inside} of {start.size} pixels lie in the box of "
                f"'{photo.instance.key}'; GrabCut needs pixels on both sides of its border. "
                "Use another mask backend for this photograph, or correct the box."
            )
        found = np.zeros((height, width), bool)
        found[window] = _enlarged(largest_part(self._segment(seen, start)), labels[window].shape)
        enough = found.sum() >= self.params.smallest_share * box.width * box.height
        return found if enough else np.zeros_like(found)

    def _segment(self, image: np.ndarray, labels: np.ndarray) -> np.ndarray:
        # GrabCut starts its colour models with k-means, which draws from OpenCV's generator.
        cv2.setRNGSeed(0)
        # OpenCV makes the rectangle and both models itself where they are None, which its type stubs do not allow.
        cv2.grabCut(  # pyright: ignore[reportCallIssue]
            image,
            labels,
            None,  # pyright: ignore[reportArgumentType]
            None,  # pyright: ignore[reportArgumentType]
            None,  # pyright: ignore[reportArgumentType]
            self.params.iterations,
            cv2.GC_INIT_WITH_MASK,
        )
        return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)


def largest_part(mask: Bool[np.ndarray, "H W"]) -> Bool[np.ndarray, "H W"]:
    """The largest 8-connected component of `mask`; all False when it is empty."""
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count == 1:
        return np.zeros_like(mask)
    return labels == 1 + np.argmax(statistics[1:, cv2.CC_STAT_AREA])


def _shrunk(image: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A window with its labels, shrunk by a whole factor to at most `MOST_PIXELS`."""
    factor = math.ceil(math.sqrt(labels.size / MOST_PIXELS))
    if factor <= 1:
        return image, labels
    size = tuple(max(1, length // factor) for length in labels.shape[::-1])
    nearest = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), nearest


def _enlarged(mask: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A mask of a window that may have been shrunk, at the window's own size."""
    if mask.shape == shape:
        return mask
    return cv2.resize(mask.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_NEAREST).astype(bool)


def _pixels(box: Box, height: int, width: int) -> tuple[slice, slice]:
    """Rows and columns of the pixels whose centres lie in `box`."""
    rows = slice(max(0, round(box.y0)), min(height, round(box.y1)))
    return rows, slice(max(0, round(box.x0)), min(width, round(box.x1)))


def make(workspace: Workspace) -> GrabCutMasks:
    """GrabCut with the parameters of `masks.grabcut`."""
    return GrabCutMasks(workspace.params.masks.grabcut)
