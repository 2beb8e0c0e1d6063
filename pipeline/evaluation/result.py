"""The scores of one category, and their files: `metrics.json` and `pairs.parquet`."""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipeline.errors import InputError
from pipeline.evaluation.pck import Pck
from pipeline.files import write_atomically, write_json
from pipeline.params import to_dict


@dataclass(frozen=True)
class Backends:
    """Where labels and features came from."""

    masks: str
    depth: str
    poses: str
    features: str


@dataclass(frozen=True)
class Switches:
    """The parts of the method that the paper's ablations switch off."""

    depth: bool
    pose: bool
    index_embedding: bool
    feature_consistency: bool
    search: bool


@dataclass(frozen=True)
class Settings:
    """What a reader of a score has to know of the run."""

    split: str
    """Of the pairs."""
    exclude_truncated_pairs: bool
    within_mask: bool
    """Whether nearest neighbours were restricted to the target's mask."""
    benchmark_seed: int
    training_seed: int
    backends: Backends
    switches: Switches


@dataclass(frozen=True)
class Metrics:
    """The scores of one category."""

    category: str
    settings: Settings
    pairs: int
    """Pairs that were scored."""
    points: int
    """Their keypoints."""
    pairs_sha256: str
    """Digest of the list of evaluated pairs."""
    skipped: dict[str, str]
    """Reason for each pair of that list, 'source-target', which no method was scored on."""
    pck: dict[str, dict[str, Pck]]
    """By row (see `pipeline.evaluation.methods`) and threshold as text, such as '0.1'."""


@dataclass(frozen=True)
class Evaluation:
    """Scores with the points behind them."""

    metrics: Metrics
    points: pd.DataFrame
    """One row for each scored pair, method and keypoint: `pair` (position in the list), `source`, `target`, `method`,
    `keypoint`, `source_x`, `source_y`, `target_x`, `target_y` (annotated), `x`, `y` (predicted in the target), `error`
    and `box_side` (the target's max(h, w)); pixels of the original images."""


def threshold_name(alpha: float) -> str:
    """The key of a threshold in `Metrics.pck`."""
    return f"{alpha:g}"


def write_evaluation(folder: Path, evaluation: Evaluation) -> None:
    """Write `metrics.json` and `pairs.parquet` into `folder`."""
    write_atomically(folder / "pairs.parquet", lambda stream: evaluation.points.to_parquet(stream, index=False))
    metrics = evaluation.metrics
    pck = {row: {alpha: score._asdict() for alpha, score in scores.items()} for row, scores in metrics.pck.items()}
    write_json(folder / "metrics.json", {**to_dict(metrics), "pck": pck})


def read_metrics(folder: Path) -> Metrics:
    """Read the scores that `write_evaluation` wrote.

    Raises:
        InputError: there are none, or the file is not of this form.
    """
    path = folder / "metrics.json"
    if not path.is_file():
        raise InputError(f"{path}: expected the scores of the category, found none. Run the stage `evaluate`.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        settings = content.pop("settings")
        backends, switches = Backends(**settings.pop("backends")), Switches(**settings.pop("switches"))
        pck = {row: {a: Pck(**score) for a, score in scores.items()} for row, scores in content.pop("pck").items()}
        return Metrics(**content, pck=pck, settings=Settings(**settings, backends=backends, switches=switches))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: expected scores, found a damaged file ({error}). Run the stage `evaluate`."
        ) from error
