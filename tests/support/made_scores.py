"""Scores made by hand, for the tests of tables and verdicts."""

import csv
import dataclasses
import io

import numpy as np
import pandas as pd

from pipeline.evaluation.pck import Pck
from pipeline.evaluation.result import Backends, MeshMeasures, Metrics, Trained
from pipeline.evaluation.scoring import settings_of
from pipeline.reconstruction.result import ImageReconstruction, ReconstructionScores
from pipeline.reporting.results import Results, Scored
from pipeline.reporting.rows import BEYOND_ROWS, PAPER_ROWS, row_order
from support.scored_world import BACKBONE
from support.tiny import tiny_params

PARAMS = tiny_params(simulation__seed=5, bootstrap__replicates=200)
SETTINGS = settings_of(PARAMS)
REAL = dataclasses.replace(
    SETTINGS, generated=False, backends=Backends("sam", "depth_anything", "orient_anything", "dinov2")
)
TRAINED = PAPER_ROWS | BEYOND_ROWS | {"mine": PAPER_ROWS["ours"]}
"""Rows that need a training, one of one's own among them."""
IMAGES = [f"i{n}" for n in range(8)]
PAIRS = [(a, b) for a in IMAGES for b in IMAGES if a != b]


def make_points(share: float, seed: int) -> pd.DataFrame:
    """Four keypoints a pair, each correct at 0.1 with probability `share`."""
    correct = np.random.default_rng(seed).random((len(PAIRS), 4)) < share
    rows = [(n, *pair, "search", 1.0, 0.05 if good else 0.5) for n, pair in enumerate(PAIRS) for good in correct[n]]
    return pd.DataFrame(rows, columns=["pair", "source", "target", "method", "box_side", "error"])


def make_scored(name: str, category: str, share: float, seed: int, settings=SETTINGS) -> Scored:
    points = make_points(share, seed)
    found = float((points["error"] <= 0.1).groupby(points["pair"]).mean().mean())
    trained = name in TRAINED
    switches = TRAINED[name].switches if trained else None
    method = "search" if trained else name
    mesh = MeshMeasures(8, 10.0 + seed, 90.0, 0.75, 1, 0.8, 0.25, 0.04) if trained else None
    others = {"projection": Pck(0.2, 0.3), "guided": Pck(0.6, 0.7)} if trained else {}
    other = {reading: {"0.05": Pck(0.1, 0.2), "0.1": pck} for reading, pck in others.items()}
    metrics = Metrics(
        category,
        BACKBONE,
        settings,
        Trained(name, seed, switches) if switches else None,
        len(PAIRS),
        len(PAIRS) + 1,
        4 * len(PAIRS),
        "ab" * 32,
        {"x-y": "gone"},
        {method: {"0.05": Pck(0.1, 0.2), "0.1": Pck(found, 0.75)}, **other},
        {},
        mesh,
    )
    return Scored(metrics, points, method)


def make_chamfer(variant: str, category: str, seed: int, level: float) -> ReconstructionScores:
    rng = np.random.default_rng(len(variant) + seed)
    images = [ImageReconstruction(n, 1, level + 1, level + rng.normal(0, 0.1), level / 2, 2) for n in IMAGES]
    return ReconstructionScores(variant, BACKBONE, category, seed, tuple(images), 3)


def make_results(
    shares: dict[str, float], categories=("car", "chair"), seeds=(0,), settings=SETTINGS, chamfer=None
) -> Results:
    rows = {
        name: {
            category: tuple(
                make_scored(name, category, shares[name], 10 * seed + i, settings)
                for seed in (seeds if name in TRAINED else seeds[:1])
            )
            for i, category in enumerate(categories)
        }
        for name in row_order(list(shares))
    }
    backbones = {
        (name, BACKBONE): {category: tuple(one.metrics for one in scored) for category, scored in cells.items()}
        for name, cells in rows.items()
        if next(iter(cells.values()))[0].metrics.trained
    }
    scores = {
        variant: {
            category: tuple(make_chamfer(variant, category, seed, level) for seed in seeds) for category in rows["ours"]
        }
        for variant, level in (chamfer or {}).items()
    }
    return Results(tuple(categories), tuple(seeds), rows, scores, backbones)


FOUR = {"mp": 0.3, "nearest_neighbour": 0.5, "ours": 0.8, "wo_index": 0.8}
CHAMFER = {"mp": 8.0, "ours": 6.0}


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))
