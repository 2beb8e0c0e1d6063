"""Random surface colours, RGB in [0, 1]."""

import colorsys

import numpy as np
from jaxtyping import Float

Colour = Float[np.ndarray, "3"]


def paint(rng: np.random.Generator) -> Colour:
    """Paintwork: any hue, or in one case of three white, grey or black."""
    if rng.random() < 1 / 3:
        return grey(rng, 0.08, 0.95)
    return hsv(rng, (0.0, 1.0), (0.45, 0.95), (0.4, 0.95))


def grey(rng: np.random.Generator, low: float, high: float) -> Colour:
    """Nearly neutral grey of the given brightness range."""
    return np.clip(rng.uniform(low, high) + rng.normal(0, 0.01, 3), 0, 1)


def wood(rng: np.random.Generator) -> Colour:
    return hsv(rng, (0.05, 0.11), (0.35, 0.75), (0.3, 0.8))


def glass(rng: np.random.Generator) -> Colour:
    """Dark window."""
    return hsv(rng, (0.5, 0.65), (0.1, 0.35), (0.1, 0.35))


def rubber(rng: np.random.Generator) -> Colour:
    return grey(rng, 0.05, 0.15)


def metal(rng: np.random.Generator) -> Colour:
    return grey(rng, 0.5, 0.85)


def hsv(
    rng: np.random.Generator, hue: tuple[float, float], saturation: tuple[float, float], value: tuple[float, float]
) -> Colour:
    """Uniform draw from ranges of hue, saturation and value."""
    return np.array(colorsys.hsv_to_rgb(rng.uniform(*hue), rng.uniform(*saturation), rng.uniform(*value)))
