"""Photographs, records and truths of made-up objects, for the tests of the label backends."""

from pathlib import Path

import numpy as np

from pipeline.photographs.image_files import write_image
from pipeline.photographs.photo import Photo
from pipeline.photographs.records import Box, Instance
from pipeline.photographs.truth import Truth, truth_path, write_truth

SHAPE = 90, 120
"""Rows and columns."""


def make_instance(name: str, split: str = "train", box: Box | None = None, category: str = "car") -> Instance:
    height, width = SHAPE
    box = box or Box(20.0, 15.0, 100.0, 75.0)
    image = f"photographs/{name}.png"
    return Instance(category, name, split, image, width, height, box, False, False, False, None, None)


def make_photo(name: str, split: str = "train", category: str = "car", root: Path = Path()) -> Photo:
    """A red ellipse on green, with a little texture, as if read from below `root`."""
    image = np.random.default_rng(0).integers(0, 40, (*SHAPE, 3)).astype(np.uint8)
    inside = ellipse()
    image[..., 0] += (inside * 200).astype(np.uint8)
    image[..., 1] += (~inside * 150).astype(np.uint8)
    instance = make_instance(name, split, category=category)
    return Photo(instance, image, root / instance.image)


def ellipse() -> np.ndarray:
    """The object's pixels: an ellipse that fills the default box."""
    y, x = pixel_centres()
    return ((x - 60) / 40) ** 2 + ((y - 45) / 30) ** 2 < 1


def pixel_centres() -> tuple[np.ndarray, np.ndarray]:
    return np.mgrid[0.5 : SHAPE[0], 0.5 : SHAPE[1]]


def make_truth(fold: int = 1, pose: tuple[float, float, float] = (30.0, 10.0, -5.0), depth: float = 6.0) -> Truth:
    """An ellipsoid seen from the front: x to the right, z up, and a background twice as far away."""
    mask = ellipse()
    y, x = pixel_centres()
    side, up = (x - 60) / 80, (45 - y) / 80
    relief = np.sqrt(np.clip(0.25 - side**2 - up**2, 0, None))
    surface = np.stack([side, -relief, up], axis=-1) * mask[..., None]
    depth_map = np.where(mask, depth - relief, 2 * depth).astype(np.float32)
    return Truth(mask, depth_map, np.array([*pose, depth]), surface.astype(np.float16), fold)


def store(root: Path, photo: Photo, truth: Truth) -> None:
    """Put the photograph and its truth where the stages look for them under `root`."""
    write_image(root / photo.instance.image, photo.image)
    write_truth(truth_path(root / photo.instance.image), truth)
