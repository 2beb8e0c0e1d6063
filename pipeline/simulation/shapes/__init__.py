"""Parametric shape families, one file for each category."""

from collections.abc import Callable

import numpy as np

from pipeline.config.categories import check_category
from pipeline.simulation.shapes.aeroplane import make_aeroplane
from pipeline.simulation.shapes.bicycle import make_bicycle
from pipeline.simulation.shapes.boat import make_boat
from pipeline.simulation.shapes.bottle import make_bottle
from pipeline.simulation.shapes.bus import make_bus
from pipeline.simulation.shapes.car import make_car
from pipeline.simulation.shapes.chair import make_chair
from pipeline.simulation.shapes.motorbike import make_motorbike
from pipeline.simulation.shapes.shape import Shape
from pipeline.simulation.shapes.train import make_train
from pipeline.simulation.shapes.tvmonitor import make_tvmonitor

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
