"""MLflow runs from the files of a cell: what DVC restores from its cache shows up as if it had just been computed.

The files are the truth. A run is found by the hash of its configuration and inputs, the stage and the category, so
recording a cell twice changes nothing.
"""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import InputError
from pipeline.files import sha256
from pipeline.layout import Layout
from pipeline.tracking import Cell, Tracker, flatten

PICTURES = (".png", ".svg", ".jpg")


class Outcome(NamedTuple):
    """What became of one cell."""

    cell: str
    """Stage and category."""
    recorded: bool
    """False where a run was there already, or MLflow cannot be reached."""
    reachable: bool


def sync(layout: Layout, categories: Iterable[str]) -> list[Outcome]:
    """Record what MLflow lacks of the trained and evaluated cells; ends at the first failure of the store."""
    outcomes = []
    for category in categories:
        for record in (record_training, record_evaluation):
            outcome = record(layout, category)
            if outcome is not None:
                outcomes.append(outcome)
                if not outcome.reachable:
                    return outcomes
    return outcomes


def record_training(layout: Layout, category: str) -> Outcome | None:
    """Record a training from `model.json` and `curve.csv`; None where there are none.

    Raises:
        InputError: a file cannot be read.
    """
    folder = layout.model(category)
    description, curve = folder / "model.json", folder / "curve.csv"
    if not (description.is_file() and curve.is_file()):
        return None
    model = _read_json(description)
    config = model["config"]
    cell = Cell("training", "train", category, config["training"]["seed"], config, model["identity"])
    return _record(layout, cell, _read_curve(curve), [folder])


def record_evaluation(layout: Layout, category: str) -> Outcome | None:
    """Record an evaluation from its `metrics.json`; None where there is none.

    Numbers become metrics and the rest parameters, with those of the model that was evaluated; of the skipped pairs
    only the count is recorded.

    Raises:
        InputError: a file cannot be read.
    """
    folder = layout.evaluation(category)
    path, description = folder / "metrics.json", layout.model(category) / "model.json"
    if not path.is_file():
        return None
    scores = _read_json(path)
    leaves = flatten({**scores, "skipped": len(scores.get("skipped", {}))})
    numbers = {name: value for name, value in leaves.items() if _is_number(value)}
    trained = _read_json(description)["config"] if description.is_file() else {}
    config = {**trained, **{name: value for name, value in leaves.items() if name not in numbers}}
    seed = trained["training"]["seed"] if trained else 0
    cell = Cell("evaluation", "evaluate", category, seed, config, sha256(path))
    places = (folder, layout.predictions(category))
    pictures = sorted(p for place in places for p in place.rglob("*") if p.suffix in PICTURES)
    return _record(layout, cell, [(0, numbers)], [path, *pictures])


def _record(
    layout: Layout, cell: Cell, rows: Iterable[tuple[int, dict[str, float]]], artifacts: Iterable[Path]
) -> Outcome:
    with Tracker(cell, layout.params.tracking.experiment, layout.root, once=True) as tracker:
        recorded = tracker.active
        if recorded:
            for step, values in rows:
                tracker.metrics(values, step)
            for path in artifacts:
                tracker.artifact(path)
    return Outcome(f"{cell.stage} {cell.category}", recorded and tracker.reachable, tracker.reachable)


def _read_curve(path: Path) -> list[tuple[int, dict[str, float]]]:
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    # An empty field is a term that was not evaluated in that step.
    return [(int(row["step"]), {name: float(value) for name, value in row.items() if value}) for row in rows]


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: expected JSON, found {error}. Remove it and run `dvc repro`.") from error


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
