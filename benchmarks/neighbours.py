"""Nearest-neighbour search between points, which dominates the comparison of meshes: scipy's trees and kaolin."""

from typing import NamedTuple

import numpy as np

from benchmarks.parts import Setting
from benchmarks.table import Table
from benchmarks.timing import interleaved, paired_ratio
from pipeline.reconstruction.neighbours import Neighbours, kaolin_obstacle, make_neighbours

SIZES = (1_000, 10_000, 30_000)
"""Numbers of points. The first two are `reconstruction.coarse_samples` and `.samples` of the profile `paper`."""


class NeighbourRow(NamedTuple):
    """Times of one search, as medians in milliseconds. There are as many queries as points in the cloud."""

    search: str
    points: int
    prepare_ms: float
    """Time to prepare the cloud for many queries."""
    query_ms: float
    times_as_long: float
    """Ratio of `query_ms` to that of scipy: the median over the rounds, in which the searches take turns."""
    least: float
    most: float
    same: float
    """Share of the queries with the same neighbour as scipy."""


def measure_neighbours(setting: Setting) -> tuple[Table, ...]:
    """Measure scipy on one core, and kaolin where it can be used, from arrays on the CPU to arrays on the CPU."""
    obstacle = kaolin_obstacle()
    searches = [make_neighbours(name) for name in ("scipy", *["kaolin"] * (not obstacle))]
    rng = np.random.default_rng(0)
    rows: list[NeighbourRow] = []
    for count in SIZES[:1] if setting.quick else SIZES:
        rows += _rows(searches, *rng.normal(size=(2, count, 3)), repeats=1 if setting.quick else 9)
    notes = ["Normally distributed points; from arrays on the CPU to arrays on the CPU."]
    if obstacle:
        notes.append(f"Not measured: kaolin. {obstacle}")
    return (Table("Nearest neighbours", rows, notes),)


def _rows(searches: list[Neighbours], points: np.ndarray, queries: np.ndarray, repeats: int) -> list[NeighbourRow]:
    clouds = {search.name: search.cloud(points) for search in searches}
    prepared = interleaved({search.name: lambda s=search: s.cloud(points) for search in searches}, repeats)
    answered = interleaved({name: lambda c=cloud: c.nearest(queries) for name, cloud in clouds.items()}, repeats)
    found = {name: cloud.nearest(queries).indices for name, cloud in clouds.items()}
    return [
        NeighbourRow(
            name,
            len(points),
            prepared[name].summary().median,
            answered[name].summary().median,
            *paired_ratio(answered[name], answered["scipy"]),
            float((found[name] == found["scipy"]).mean()),
        )
        for name in clouds
    ]
