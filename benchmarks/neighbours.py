"""Nearest neighbours of points, which aligning and comparing meshes spends its time on: scipy's trees beside kaolin."""

from typing import NamedTuple

import numpy as np

from benchmarks.parts import Setting
from benchmarks.table import Table
from benchmarks.timing import interleaved, paired_ratio
from pipeline.reconstruction.neighbours import Neighbours, kaolin_obstacle, make_neighbours

SIZES = (1_000, 10_000, 30_000)
"""The first two are those of the profile `paper`: `reconstruction.coarse_samples` and `reconstruction.samples`."""


class NeighbourRow(NamedTuple):
    """Medians in milliseconds for as many queries as there are points in the cloud; the searches take turns."""

    search: str
    points: int
    prepare_ms: float
    """To make the cloud ready for many queries."""
    query_ms: float
    times_as_long: float
    """The queries, against scipy's; the median of the rounds."""
    least: float
    most: float
    same: float
    """Share of the queries that find the neighbour that scipy finds."""


def measure_neighbours(setting: Setting) -> tuple[Table, ...]:
    """scipy on one core, and kaolin where it can be used, from arrays on the CPU to arrays on the CPU."""
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
