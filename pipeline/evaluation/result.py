"""The scores of one cell, or of one category's baselines, and their files: `metrics.json` and `pairs.parquet`."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.base.errors import InputError
from pipeline.base.files import write_atomically, write_json
from pipeline.config.parsing import parse_section, to_dict
from pipeline.evaluation.pck import Pck


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
    """What a reader of a score has to know of the run; the same for all cells of a table."""

    split: str
    """Of the pairs."""
    exclude_truncated_pairs: bool
    within_mask: bool
    """Whether nearest neighbours were restricted to the target's mask."""
    generated: bool
    """Whether the photographs are the embedded benchmark's."""
    simulation_seed: int
    backends: Backends


@dataclass(frozen=True)
class Trained:
    """Which model was scored, and what it learned from."""

    variant: str
    seed: int
    switches: Switches


@dataclass(frozen=True)
class MeshMeasures:
    """What the evaluated images say of a model beside its correspondences."""

    pose_images: int
    """Images with an annotated viewpoint."""
    pose_error: float | None
    """Median geodesic error in degrees, after the quarter turn that suits the whole model best; None without images."""
    pose_error_raw: float | None
    """Without that turn."""
    pose_within_30: float | None
    """Share of images with an error below 30 degrees, after that turn."""
    quarter_turns: int
    """Quarter turns about the object's up axis, 0 to 3."""
    mask_iou: float | None
    """Mean over the images with a mask label."""
    drift: float | None
    """Vertex drift, 0 to about 1 (`pipeline.evaluation.drift`)."""
    shape_variation: float | None
    """Share of the template's diagonal (`pipeline.evaluation.shape_variation`); None for a single image."""


@dataclass(frozen=True)
class Metrics:
    """The scores on one category."""

    category: str
    backbone: str
    settings: Settings
    trained: Trained | None
    """None for the baselines."""
    pairs: int
    """Pairs that were scored."""
    pairs_listed: int
    points: int
    """Keypoints of the scored pairs."""
    pairs_sha256: str
    """Digest of the list of evaluated pairs."""
    skipped: dict[str, str]
    """Reason for each pair of that list, 'source-target', that could not be scored."""
    pck: dict[str, dict[str, Pck]]
    """By row (see `pipeline.matching.methods`) and threshold as text, such as '0.1'."""
    mesh: MeshMeasures | None
    """None for the baselines."""


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


def describe(name: str, metrics: Metrics) -> str:
    """The scores in words, a line for each method and one for the pairs."""
    lines = [
        f"{name}: {row}: " + ", ".join(f"PCK@{alpha} {100 * score.per_image:.1f}" for alpha, score in scores.items())
        for row, scores in metrics.pck.items()
    ]
    return "\n".join([*lines, f"{name}: {metrics.pairs} pairs, {len(metrics.skipped)} skipped"])


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
    try:
        content = json.loads(_existing(path).read_text(encoding="utf-8"))
        pck = {row: {a: Pck(**score) for a, score in scores.items()} for row, scores in content.pop("pck").items()}
        trained, mesh = content.pop("trained"), content.pop("mesh")
        return Metrics(
            **content | {"settings": _section(Settings, content["settings"], path)},
            pck=pck,
            trained=trained and _section(Trained, trained, path),
            mesh=mesh and _section(MeshMeasures, mesh, path),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path}: expected scores, found a damaged file ({error}). Run the stage that writes it again."
        ) from error


def read_points(folder: Path) -> pd.DataFrame:
    """The table of an `Evaluation` that `write_evaluation` wrote.

    Raises:
        InputError: there is none.
    """
    return pd.read_parquet(_existing(folder / "pairs.parquet"))


def _section(kind: type, content: Any, path: Path) -> Any:
    return parse_section(kind, content, str(path))


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise InputError(f"{path}: expected scores, found none. Run the stage `evaluate` or `baselines`: dvc repro.")
    return path
