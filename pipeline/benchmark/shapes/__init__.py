"""Parametric shape families, one file for each category."""

from collections.abc import Callable

import numpy as np

from pipeline.benchmark.shapes.aeroplane import make_aeroplane
from pipeline.benchmark.shapes.bicycle import make_bicycle
from pipeline.benchmark.shapes.boat import make_boat
from pipeline.benchmark.shapes.bottle import make_bottle
from pipeline.benchmark.shapes.bus import make_bus
from pipeline.benchmark.shapes.car import make_car
from pipeline.benchmark.shapes.chair import make_chair
from pipeline.benchmark.shapes.motorbike import make_motorbike
from pipeline.benchmark.shapes.shape import Shape
from pipeline.benchmark.shapes.train import make_train
from pipeline.benchmark.shapes.tvmonitor import make_tvmonitor
from pipeline.categories import check_category

FAMILIES: dict[str, Callable[[np.random.Generator], Shape]] = {
    "aeroplane": make_aeroplane,
    "bicycle": make_bicycle,
    "boat": make_boat,
    "bottle": make_bottle,
    "bus": make_bus,
    "car": make_car,
    "chair": make_chair,
    "motorbike": make_motorbike,
    "train": make_train,
    "tvmonitor": make_tvmonitor,
}


def make_shape(category: str, rng: np.random.Generator) -> Shape:
    """A random instance of the category's family.

    Raises:
        InputError: the category is unknown.
    """
    return FAMILIES[check_category(category)](rng)
