"""What MLflow keeps of each kind of result, made from the output files of a cell.

Results that DVC restores from its cache are recorded as if they had just been computed. A run is identified by the
hashes of its configuration and inputs, its stage and its cell, so recording a cell twice changes nothing.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.base.checksums import checked
from pipeline.base.files import sha256
from pipeline.config.cells import Cell
from pipeline.config.workspace import Workspace
from pipeline.tracking.data_used import DataUsed, evaluation_data, training_data
from pipeline.tracking.experiment_summary import summarise_experiment
from pipeline.tracking.reading import read_curve, read_description, read_json
from pipeline.tracking.record import Record, flatten, inputs_sha256
from pipeline.tracking.tracker import Tracker

PICTURES = (".png", ".svg", ".jpg")
COUNTED = ("skipped", "images")
"""Entries with one item for each pair or image, of which only the number is kept."""


class Recording(NamedTuple):
    """A run to be recorded."""

    record: Record
    rows: Sequence[tuple[int, dict[str, float]]]
    """Step and metrics."""
    artifacts: Sequence[tuple[Path, str | None]]
    """Files and folders, each with the folder of the run's artifacts that it goes into; None for the top."""


def record(workspace: Workspace, recording: Recording | None) -> None:
    """Record a result at the end of the stage that made it. Nothing happens where it is recorded already, or None."""
    if recording is None:
        return
    with Tracker(recording.record, workspace.params.tracking.experiment, workspace.root, once=True) as tracker:
        for step, values in recording.rows:
            tracker.metrics(values, step)
        for path, folder in recording.artifacts:
            tracker.artifact(path, folder)


def instances(workspace: Workspace, category: str) -> Recording | None:
    """Return the numbers of images and pairs that each selection rule keeps. None where there is no summary.

    Raises:
        InputError: the file is damaged.
    """
    return _scores("instances", "instances", {"category": category}, workspace.instances_summary(category))


def training(workspace: Workspace, cell: Cell) -> Recording | None:
    """Return a training, from `model.json` and `curve.csv`. None where one of the files is missing.

    Raises:
        InputError: a file is damaged.
    """
    folder = workspace.model(cell)
    description, curve = folder / "model.json", folder / "curve.csv"
    if not (description.is_file() and curve.is_file()):
        return None
    config, identity = read_description(checked(description))
    record = Record("training", "train", cell._asdict(), config, identity, training_data(workspace, cell.category))
    return Recording(record, read_curve(checked(curve)), [(folder, None)])


def evaluation(workspace: Workspace, cell: Cell) -> Recording | None:
    """Return an evaluation, with the parameters of its model and its pictures. None where its scores are missing.

    Raises:
        InputError: a file is damaged.
    """
    drawn = sorted(path for path in workspace.predictions(cell).rglob("*") if path.suffix in PICTURES)
    path, config = workspace.evaluation(cell) / "metrics.json", _trained(workspace, cell)
    return _scores(
        "evaluation", "evaluate", cell._asdict(), path, config, drawn, evaluation_data(workspace, cell.category)
    )


def reconstruction(workspace: Workspace, cell: Cell) -> Recording | None:
    """Return a comparison with CAD models, with the parameters of its model. None where its scores are missing.

    Raises:
        InputError: a file is damaged.
    """
    path, config = workspace.reconstruction(cell) / "metrics.json", _trained(workspace, cell)
    return _scores("reconstruction", "reconstruct", cell._asdict(), path, config)


def baselines(workspace: Workspace, backbone: str, category: str) -> Recording | None:
    """Return the scores of the feature baselines. None where they are missing.

    Raises:
        InputError: the file is damaged.
    """
    path = workspace.baselines(backbone, category) / "metrics.json"
    cell = {"backbone": backbone, "category": category}
    return _scores("baselines", "baselines", cell, path, data=evaluation_data(workspace, category))


def report(workspace: Workspace) -> Recording | None:
    """Return the tables and figures of the report. None where `metrics.json` is missing.

    Raises:
        InputError: the file is damaged.
    """
    path = workspace.reports / "metrics.json"
    if not path.is_file():
        return None
    _, numbers = _split_leaves(read_json(path))
    tables = sorted(p for p in workspace.reports.iterdir() if p.suffix in (".md", ".csv", ".tex"))
    # Two experiments may differ in the intervals alone, which the tables show.
    summary = summarise_experiment(workspace)
    record = Record("report", "report", {}, {}, inputs_sha256([path, *tables]), summary=summary)
    return Recording(record, [(0, numbers)], [(path, None) for path in (*tables, workspace.figures)])


def pages(workspace: Workspace) -> Recording | None:
    """Return the overview and the pages of the categories. None where there is no overview."""
    if not workspace.overview.is_file():
        return None
    listed = [workspace.page(category) for category in workspace.params.categories]
    found = [workspace.overview, *(path for path in listed if path.is_file())]
    # The pages are what a whole experiment is first looked at by.
    summary = summarise_experiment(workspace) if (workspace.reports / "metrics.json").is_file() else None
    record = Record("pages", "overview", {}, {}, inputs_sha256(found), summary=summary)
    return Recording(record, [], [(found[0], None), *((path, "pages") for path in found[1:])])


def _scores(
    kind: str,
    stage: str,
    cell: dict,
    path: Path,
    config: dict[str, Any] | None = None,
    drawn: Iterable[Path] = (),
    data: Sequence[DataUsed] = (),
) -> Recording | None:
    """Return the numbers of a JSON file as metrics, and its other values as parameters. None where it is missing."""
    if not path.is_file():
        return None
    settings, numbers = _split_leaves(read_json(checked(path)))
    record = Record(kind, stage, cell, {**(config or {}), **settings}, sha256(path), data)
    return Recording(record, [(0, numbers)], [(one, None) for one in (path, *drawn)])


def _trained(workspace: Workspace, cell: Cell) -> dict[str, Any]:
    path = workspace.model(cell) / "model.json"
    return read_description(checked(path))[0] if path.is_file() else {}


def _split_leaves(scores: dict[str, Any]) -> tuple[dict[str, Any], dict[str, float]]:
    """Split scores into parameters (not numbers) and metrics (numbers), by dotted names."""
    leaves = flatten(
        {name: len(v) if name in COUNTED and isinstance(v, list | dict) else v for name, v in scores.items()}
    )
    numbers = {name: value for name, value in leaves.items() if _is_number(value)}
    return {name: value for name, value in leaves.items() if name not in numbers}, numbers


def _is_number(value: Any) -> bool:
    # An integer beyond the range of floats is kept as text.
    return isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**1023)
