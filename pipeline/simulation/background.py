"""Cluttered backgrounds of the embedded benchmark, and the shapes that stand in front of its objects."""

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32

SUBPIXEL_BITS = 4
"""OpenCV draws with coordinates in sixteenths of a pixel."""


def paint_background(height: int, width: int, rng: np.random.Generator) -> Float32[np.ndarray, "H W 3"]:
    """A gradient, often with a ground, overlaid with patches of texture and random shapes; RGB in [0, 1]."""
    image = _gradient(height, width, rng)
    if rng.random() < 0.6:
        _add_ground(image, rng)
    image *= 1 + rng.uniform(0.03, 0.18) * _cloud(height, width, rng)[..., None]
    for _ in range(rng.integers(2, 16)):
        outline = random_outline(rng.uniform(0, 1, 2) * (width, height), rng.uniform(0.04, 0.28) * width, rng)
        shade = muted_colour(rng)
        _blend(image, fill(outline, height, width), shade, rng.uniform(0.5, 1.0), rng)
    for _ in range(rng.integers(0, 5)):
        _add_line(image, rng)
    # Backgrounds are often out of focus.
    blur = rng.uniform(0.0, 1.6)
    return cv2.GaussianBlur(image, (0, 0), blur) if blur > 0.3 else image


def muted_colour(rng: np.random.Generator) -> Float[np.ndarray, "3"]:
    """A colour of the built or natural surroundings: seldom saturated; RGB in [0, 1]."""
    grey = rng.uniform(0.1, 0.95)
    tint = rng.normal(0, 1, 3)
    return np.clip(grey + rng.gamma(1.5, 0.04) * (tint - tint.mean()), 0.02, 1)


def random_outline(centre: Float[np.ndarray, "2"], radius: float, rng: np.random.Generator) -> Float[np.ndarray, "N 2"]:
    """A random polygon round `centre`, in pixels: a jagged or round blob, or a turned rectangle."""
    kind = rng.choice(("polygon", "ellipse", "bar"), p=(0.45, 0.25, 0.3))
    turn = rng.uniform(0, 2 * np.pi)
    if kind == "polygon":
        angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(4, 10)))
        return centre + radius * rng.uniform(0.5, 1.2, (len(angles), 1)) * _unit(angles)
    flatness = rng.uniform(0.35, 1) if kind == "ellipse" else rng.uniform(0.15, 0.7)
    angles = np.linspace(0, 2 * np.pi, 32, endpoint=False) if kind == "ellipse" else np.array([0.6, 2.5, 3.8, 5.7])
    local = radius * _unit(angles) * (1.2, flatness)
    return centre + local @ np.stack([_unit(turn), _unit(turn + np.pi / 2)])


def fill(outline: Float[np.ndarray, "N 2"], height: int, width: int) -> Bool[np.ndarray, "H W"]:
    """Pixels inside a polygon given in continuous pixels; it may reach beyond the image."""
    mask = np.zeros((height, width), np.uint8)
    # OpenCV's pixel centres lie at integers.
    corners = np.round((outline - 0.5) * 2**SUBPIXEL_BITS).astype(np.int32)
    cv2.fillPoly(mask, [corners], 1, lineType=cv2.LINE_8, shift=SUBPIXEL_BITS)
    return mask.astype(bool)


def _unit(angles: float | np.ndarray) -> np.ndarray:
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def _gradient(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """A linear blend of two colours in a random direction."""
    direction = _unit(rng.uniform(0, 2 * np.pi))
    rows, columns = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None]
    share = (0.5 + 0.35 * (columns * direction[0] + rows * direction[1]))[..., None]
    return (share * muted_colour(rng) + (1 - share) * muted_colour(rng)).astype(np.float32)


def _add_ground(image: np.ndarray, rng: np.random.Generator) -> None:
    """Cover the part below a horizon that is level or nearly so."""
    height, width = image.shape[:2]
    left, right = (rng.uniform(0.35, 0.85) + rng.normal(0, 0.02, 2)) * height
    ground = np.array([[-1, left], [width + 1, right], [width + 1, height + 1], [-1, height + 1]])
    _blend(image, fill(ground, height, width), muted_colour(rng), rng.uniform(0.7, 1), rng)


def _cloud(height: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Noise of several octaves, of standard deviation near 1/2."""
    total = np.zeros((height, width), np.float32)
    for cells in (4, 9, 20, 44):
        coarse = rng.standard_normal((cells, cells)).astype(np.float32)
        total += 0.3 * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return total


def _blend(image: np.ndarray, mask: np.ndarray, colour: np.ndarray, opacity: float, rng: np.random.Generator) -> None:
    """Paint `colour` with a random gradient of brightness over `mask`."""
    rows, columns = np.nonzero(mask)
    slope = rng.normal(0, 0.15, 2)
    shade = 1 + slope[0] * (rows / image.shape[0] - 0.5) + slope[1] * (columns / image.shape[1] - 0.5)
    paint = (shade[:, None] * colour).astype(np.float32)
    image[rows, columns] += np.float32(opacity) * (paint - image[rows, columns])


def _add_line(image: np.ndarray, rng: np.random.Generator) -> None:
    """A pole, a wire or a kerb."""
    height, width = image.shape[:2]
    ends = (rng.uniform(-0.1, 1.1, (2, 2)) * (width, height)).astype(np.int32)
    colour = muted_colour(rng).tolist()
    cv2.line(image, ends[0].tolist(), ends[1].tolist(), colour, int(rng.integers(1, 5)), cv2.LINE_AA)
