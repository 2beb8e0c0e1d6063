"""Viewpoints of the embedded benchmark's photographs, with the statistics of PASCAL3D+'s."""

from typing import NamedTuple

import numpy as np

from pipeline.config.categories import check_category

MAX_ELEVATION = 80.0
MAX_THETA = 45.0
"""Degrees; beyond them the statistics' long tails are annotation artefacts or objects that lie on their side."""

BIN_WIDTH = 30.0


class Angles(NamedTuple):
    """PASCAL3D+ viewing angles in degrees: azimuth in [0, 360), elevation, in-plane rotation theta."""

    azimuth: float
    elevation: float
    theta: float


class Statistics(NamedTuple):
    """Viewpoints of one category in the PASCAL3D+ ImageNet split."""

    azimuth_shares: tuple[float, ...]
    """Share of images in the 12 bins of 30 degrees centred on 0, 30, ... 330 degrees."""
    elevation_mean: float
    elevation_std: float
    theta_mean: float
    theta_std: float


def _row(*numbers: float) -> Statistics:
    return Statistics(tuple(number / 10_000 for number in numbers[:12]), *numbers[12:])


STATISTICS = {
    "aeroplane": _row(1084, 991, 1094, 960, 542, 398, 119, 315, 594, 1275, 1291, 1337, -4.2, 22.6, 0.3, 12.3),
    "bicycle": _row(1049, 1017, 1393, 845, 790, 243, 282, 415, 751, 1174, 1072, 970, 6.7, 13.0, -0.2, 8.2),
    "boat": _row(1081, 1118, 742, 710, 683, 602, 876, 597, 796, 812, 812, 1172, 4.6, 11.3, 0.3, 5.6),
    "bottle": _row(9405, 445, 21, 21, 0, 0, 0, 0, 0, 0, 21, 89, 7.3, 19.3, 0.9, 34.8),
    "bus": _row(2219, 2572, 306, 102, 111, 325, 548, 232, 139, 37, 195, 3213, -0.1, 3.1, 0.1, 3.3),
    "car": _row(777, 2195, 979, 353, 555, 574, 480, 594, 471, 325, 775, 1922, 5.4, 5.9, -0.1, 4.8),
    "chair": _row(2759, 2118, 700, 305, 128, 158, 79, 89, 99, 256, 926, 2384, 19.2, 12.0, 0.6, 4.8),
    "motorbike": _row(859, 1247, 1188, 826, 640, 312, 261, 261, 775, 986, 1120, 1525, 6.8, 13.4, 0.1, 11.7),
    "train": _row(6047, 1865, 138, 54, 54, 15, 8, 38, 23, 46, 138, 1575, 0.7, 5.2, -0.3, 9.0),
    "tvmonitor": _row(5520, 2152, 272, 24, 0, 0, 8, 0, 8, 32, 320, 1664, 8.8, 14.4, 0.3, 4.4),
}
"""Azimuth bins in ten-thousandths, then mean and standard deviation of elevation and theta, over 17,726 images."""


def sample_training(category: str, rng: np.random.Generator) -> Angles:
    """A viewpoint with the statistics of the training photographs.

    The azimuth falls into a bin with the bin's share and is uniform inside it; elevation and theta are normal,
    redrawn until they lie within `MAX_ELEVATION` and `MAX_THETA`.

    Raises:
        InputError: the category is unknown.
    """
    return sample_broad(category, rng, uniform_share=0.0, spread=1.0)


def sample_broad(category: str, rng: np.random.Generator, uniform_share: float, spread: float) -> Angles:
    """A viewpoint of the evaluation photographs, which are more varied than the training ones.

    Args:
        uniform_share: probability that the azimuth is uniform over the circle instead of following the bins.
        spread: factor on the standard deviations of elevation and theta.

    Raises:
        InputError: the category is unknown.
    """
    statistics = STATISTICS[check_category(category)]
    if rng.random() < uniform_share:
        azimuth = rng.uniform(0, 360)
    else:
        shares = np.array(statistics.azimuth_shares)
        centre = BIN_WIDTH * rng.choice(len(shares), p=shares / shares.sum())
        azimuth = centre + rng.uniform(-BIN_WIDTH / 2, BIN_WIDTH / 2)
    return Angles(
        float(azimuth % 360),
        _bounded_normal(rng, statistics.elevation_mean, spread * statistics.elevation_std, MAX_ELEVATION),
        _bounded_normal(rng, statistics.theta_mean, spread * statistics.theta_std, MAX_THETA),
    )


def _bounded_normal(rng: np.random.Generator, mean: float, std: float, limit: float) -> float:
    """Normal deviate, redrawn until its magnitude is at most `limit`."""
    while abs(value := rng.normal(mean, std)) > limit:
        pass
    return float(value)
