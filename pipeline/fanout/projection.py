"""Projected time of a run, from the measured times of its stages at the shipped parameters."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from pipeline.config.params import Params

SECONDS = {
    "data": 19.0,
    "instances": 4.0,
    "masks": 6.0,
    "depth": 7.0,
    "poses": 4.0,
    "features": 13.0,
    "pca": 3.0,
    "baselines": 3.0,
    "resolve": 1.0,
    "train": 71.0,
    "predict": 4.5,
    "evaluate": 5.5,
    "reconstruct": 18.0,
    "gallery": 39.0,
    "overview": 4.0,
    "report": 5.0,
}
"""Seconds of one cell of each stage at the shipped parameters, on two cores with two cells in parallel.

The times of `data` and `report` count for each category. Four of the eleven variants share their first phase, which
shortens the mean training.
"""
PAPER_SECONDS = {
    "pca": 36.0,
    "baselines": 6.0,
    "predict": 18.0,
    "evaluate": 7.5,
    "reconstruct": 66.0,
    "gallery": 168.0,
}
"""Seconds of one cell at the sizes of the profile `paper`, on one core, of the stages that take longer than shipped."""
SHIPPED_STEPS, SHIPPED_IMAGES = 800, 640
"""Numbers of training steps and of generated images with which `SECONDS` was measured."""
SHIPPED_SIZES, PAPER_SIZES = (8, 48, 20), (10, 256, 51)
"""Images that a training step renders, the side of each [pixels] and the cells of the grid: shipped, and in `paper`."""
LABELS = ("masks", "depth", "poses", "features")
FREE = {"simulated", "unknown"}
"""Backends whose time is measured, or nothing."""


class Projection(NamedTuple):
    """The projected wall time of stages."""

    seconds: float
    """Of the stages whose time is known."""
    unknown: tuple[str, ...]
    """Names of the stages whose time is not, as networks or other sizes are used than were measured."""


def stage_counts(params: Params) -> Counter[str]:
    """Number of cells of each stage of `dvc.yaml`. For `data` and `report`, which have one cell, that of categories."""
    categories = len(params.categories)
    labelled = categories * len(params.backbones)
    trained = labelled * len(params.seeds)
    counts: Counter[str] = Counter(
        dict.fromkeys(("data", "instances", "masks", "depth", "poses", "gallery", "report"), categories)
    )
    counts.update(dict.fromkeys(("features", "pca", "baselines"), labelled))
    counts.update(dict.fromkeys(("train", "predict", "evaluate"), trained * len(params.trained)))
    counts.update({"reconstruct": trained * len(params.reconstruction.variants), "overview": 1, "resolve": 1})
    return counts


def stages_to_go(stages: Iterable[str], params: Params) -> Counter[str]:
    """Count given stages like `stage_counts`, by their DVC names, such as 'train@ours-dinov2-car-0'."""
    counts = Counter(stage.split("@")[0] for stage in stages)
    return Counter({name: len(params.categories) if name in ("data", "report") else n for name, n in counts.items()})


def project(counts: Counter[str], params: Params, jobs: int) -> Projection:
    """Project the wall time of stages on `jobs` cores, on a machine like the one that `SECONDS` was measured on."""
    backbones = [params.features.backbones[name].get("backend", params.features.backend) for name in params.backbones]
    backends = {"features": set(backbones)} | {name: {getattr(params, name).backend} for name in LABELS[:3]}
    unknown = [name for name in LABELS if backends[name] - FREE]
    sizes = (params.training.batch, params.training.image_size, params.model.grid.resolution)
    if sizes != SHIPPED_SIZES:
        unknown.append("train")
    seconds = SECONDS | (PAPER_SECONDS if sizes == PAPER_SIZES else {})
    images = (params.simulation.train_images + params.simulation.test_images) / (SHIPPED_IMAGES + 40)
    scale: dict[str, float] = dict.fromkeys(("data", "masks", "depth", "poses", "features", "pca"), images)
    scale["train"] = params.training.steps / SHIPPED_STEPS
    known = {name: number for name, number in counts.items() if name not in unknown}
    total = sum(seconds.get(name, 0.0) * scale.get(name, 1.0) * number for name, number in known.items())
    # `data` and `report` have one cell each. During `report` the other cores wait; the generator is multithreaded.
    alone = SECONDS["report"] * counts["report"]
    return Projection((total - alone) / jobs + alone, tuple(name for name in unknown if counts[name]))


def in_words(projection: Projection) -> str:
    """Format a projection, such as '2 h 05 min' or '7 min without masks, whose time depends on the machine'."""
    minutes = max(1, round(projection.seconds / 60))
    time = f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
    if not projection.unknown:
        return time
    return f"{time} without {', '.join(projection.unknown)}, whose time depends on the machine (docs/reproduce.md)"
