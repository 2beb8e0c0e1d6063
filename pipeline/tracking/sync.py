"""Recording of MLflow runs from the output files of a cell.

Results that DVC restores from its cache are recorded as if they had just been computed. A run is identified by the
hashes of its configuration and inputs, its stage and its cell, so recording a cell twice changes nothing.
"""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.base.errors import InputError
from pipeline.base.files import sha256
from pipeline.config.cells import Cell, all_cells
from pipeline.config.workspace import Workspace
from pipeline.tracking.tracker import Record, Tracker, flatten

PICTURES = (".png", ".svg", ".jpg")


class Outcome(NamedTuple):
    """Result of recording one cell of a stage."""

    name: str
    """DVC's name of the cell."""
    recorded: bool
    """Whether a run was added. False where it existed already or MLflow is unreachable."""
    reachable: bool
    """Whether MLflow could be reached."""


def sync(workspace: Workspace) -> list[Outcome]:
    """Record every configured cell that has results and no MLflow run. Stop at the first failure of the store."""
    params = workspace.params
    outcomes = []
    recorders = [lambda category=category: record_instances(workspace, category) for category in params.categories]
    recorders += [
        lambda backbone=backbone, category=category: record_baselines(workspace, backbone, category)
        for backbone in params.backbones
        for category in params.categories
    ]
    for cell in all_cells(params):
        recorders += [
            lambda cell=cell, record=record: record(workspace, cell)
            for record in (record_training, record_evaluation, record_reconstruction)
        ]
    for record in [*recorders, lambda: record_report(workspace)]:
        outcome = record()
        if outcome is not None:
            outcomes.append(outcome)
            if not outcome.reachable:
                break
    return outcomes


def record_instances(workspace: Workspace, category: str) -> Outcome | None:
    """Record the numbers of images and pairs that each of the paper's selection rules keeps.

    Returns:
        Result of the recording, or None where there is no summary of the instances.

    Raises:
        InputError: the file cannot be read.
    """
    path = workspace.instances_summary(category)
    if not path.is_file():
        return None
    config, numbers = _split_leaves(_read_json(path))
    record = Record("instances", "instances", {"category": category}, config, sha256(path))
    return _record(workspace, record, [(0, numbers)], [path])


def record_training(workspace: Workspace, cell: Cell) -> Outcome | None:
    """Record a training from `model.json` and `curve.csv`. None where one of the files is missing.

    Raises:
        InputError: a file cannot be read.
    """
    folder = workspace.model(cell)
    description, curve = folder / "model.json", folder / "curve.csv"
    if not (description.is_file() and curve.is_file()):
        return None
    model = _read_json(description)
    record = Record("training", "train", cell._asdict(), model["config"], model["identity"])
    return _record(workspace, record, _read_curve(curve), [folder])


def record_evaluation(workspace: Workspace, cell: Cell) -> Outcome | None:
    """Record an evaluation from its `metrics.json`, with the parameters of its model. None where the file is missing.

    Raises:
        InputError: a file cannot be read.
    """
    return _record_scores(
        workspace, "evaluation", "evaluate", cell, workspace.evaluation(cell), [workspace.predictions(cell)]
    )


def record_reconstruction(workspace: Workspace, cell: Cell) -> Outcome | None:
    """Record the comparison with CAD models from its `metrics.json`. None where the file is missing.

    Raises:
        InputError: a file cannot be read.
    """
    return _record_scores(workspace, "reconstruction", "reconstruct", cell, workspace.reconstruction(cell), [])


def record_baselines(workspace: Workspace, backbone: str, category: str) -> Outcome | None:
    """Record the scores of the feature baselines from their `metrics.json`. None where the file is missing.

    Raises:
        InputError: a file cannot be read.
    """
    path = workspace.baselines(backbone, category) / "metrics.json"
    if not path.is_file():
        return None
    config, numbers = _split_leaves(_read_json(path))
    record = Record("baselines", "baselines", {"backbone": backbone, "category": category}, config, sha256(path))
    return _record(workspace, record, [(0, numbers)], [path])


def record_report(workspace: Workspace) -> Outcome | None:
    """Record the tables and figures of the report. None where `metrics.json` is missing."""
    path = workspace.reports / "metrics.json"
    if not path.is_file():
        return None
    _, numbers = _split_leaves(_read_json(path))
    tables = sorted(p for p in workspace.reports.iterdir() if p.suffix in (".md", ".csv", ".tex"))
    return _record(
        workspace, Record("report", "report", {}, {}, sha256(path)), [(0, numbers)], [*tables, workspace.figures]
    )


def _record_scores(
    workspace: Workspace, kind: str, stage: str, cell: Cell, folder: Path, pictures: Iterable[Path]
) -> Outcome | None:
    """Record `metrics.json` of a folder: its numbers as metrics, its other values as parameters."""
    path, description = folder / "metrics.json", workspace.model(cell) / "model.json"
    if not path.is_file():
        return None
    config, numbers = _split_leaves(_read_json(path))
    trained = _read_json(description)["config"] if description.is_file() else {}
    record = Record(kind, stage, cell._asdict(), {**trained, **config}, sha256(path))
    drawn = sorted(p for place in pictures for p in place.rglob("*") if p.suffix in PICTURES)
    return _record(workspace, record, [(0, numbers)], [path, *drawn])


def _split_leaves(scores: dict[str, Any]) -> tuple[dict[str, Any], dict[str, float]]:
    """Split scores into parameters (not numbers) and metrics (numbers), by dotted names.

    Lists with an entry for each pair or image are replaced by their lengths.
    """
    leaves = flatten({name: len(value) if name in ("skipped", "images") else value for name, value in scores.items()})
    numbers = {name: value for name, value in leaves.items() if _is_number(value)}
    return {name: value for name, value in leaves.items() if name not in numbers}, numbers


def _record(
    workspace: Workspace, record: Record, rows: Iterable[tuple[int, dict[str, float]]], artifacts: Iterable[Path]
) -> Outcome:
    with Tracker(record, workspace.params.tracking.experiment, workspace.root, once=True) as tracker:
        recorded = tracker.active
        if recorded:
            for step, values in rows:
                tracker.metrics(values, step)
            for path in artifacts:
                tracker.artifact(path)
    return Outcome(record.name, recorded and tracker.reachable, tracker.reachable)


def _read_curve(path: Path) -> list[tuple[int, dict[str, float]]]:
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    # An empty field belongs to a loss term that was not evaluated in that step.
    return [(int(row["step"]), {name: float(value) for name, value in row.items() if value}) for row in rows]


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: expected JSON, found {error}. Remove it and run `dvc repro`.") from error


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
