"""Recording of results that MLflow does not have: restored by DVC, or computed while it could not be reached."""

import os
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from pipeline.base.errors import InputError
from pipeline.config.cells import all_cells
from pipeline.config.workspace import Workspace
from pipeline.tracking import recordings
from pipeline.tracking.address import tracking_address
from pipeline.tracking.delivery import Delivery, Request
from pipeline.tracking.loading import load_mlflow
from pipeline.tracking.models import can_be_registered, register_model
from pipeline.tracking.record import Value, metric_name
from pipeline.tracking.recordings import Recording
from pipeline.tracking.redaction import describe, without_secrets
from pipeline.tracking.store import Store
from pipeline.tracking.time_limit import OutOfTimeError, time_limit

OPEN_SECONDS = 30.0
"""Maximum duration of finding out whether the store answers."""
CELL_SECONDS = 300.0
"""Maximum duration of sending one cell with its files."""


class Outcome(NamedTuple):
    """Result of recording one cell of a stage."""

    name: str
    """DVC's name of the cell."""
    recorded: bool
    """Whether a run was added or completed. False where MLflow has all of it, or did not take it."""
    problem: str = ""
    """What MLflow did not take, and why."""


class Synchronisation(NamedTuple):
    """Results of recording all cells."""

    outcomes: list[Outcome]
    notes: list[str]
    """Sentences on a database that had to be replaced."""
    unreachable: str = ""
    """Address of the store and why it could not be reached. The cells that `outcomes` lacks were not tried."""


def sync(workspace: Workspace) -> Synchronisation:
    """Record every configured cell that has results and no whole MLflow run. Stop where the store is out of reach.

    Raises:
        InputError: a file with results cannot be read.
    """
    found = [recording for make in _makers(workspace) if (recording := make()) is not None]
    result = Synchronisation([], [])
    store: Store | None = None
    for recording in found:
        if store is None:
            try:
                store = _open(workspace, thorough=bool(result.outcomes))
            except (Exception, OutOfTimeError) as error:
                address = without_secrets(tracking_address(workspace.root))
                return result._replace(unreachable=f"{address}: {describe(error)}")
            result.notes.extend(filter(None, [store.note]))
        outcome = _record(store, recording)
        result.outcomes.append(outcome)
        # Whether the cell or the store is at fault shows when the store is opened again.
        store = None if outcome.problem else store
    if store is not None:
        result.outcomes.extend(_register(workspace, store))
    return result


def _register(workspace: Workspace, store: Store) -> list[Outcome]:
    """Add the evaluated cells to the models of the store."""
    outcomes = []
    for cell in filter(partial(can_be_registered, workspace), all_cells(workspace.params)):
        name, added, problem = f"model@{cell.name}", False, ""
        try:
            with time_limit(CELL_SECONDS):
                added = register_model(workspace, store, cell)
        except InputError:
            raise
        except (Exception, OutOfTimeError) as error:
            problem = describe(error)
        outcomes.append(Outcome(name, added, problem))
    return outcomes


def _makers(workspace: Workspace) -> list[Callable[[], Recording | None]]:
    params = workspace.params
    makers = [partial(recordings.instances, workspace, category) for category in params.categories]
    makers += [
        partial(recordings.baselines, workspace, backbone, category)
        for backbone in params.backbones
        for category in params.categories
    ]
    for cell in all_cells(params):
        for make in (recordings.training, recordings.evaluation, recordings.reconstruction):
            makers.append(partial(make, workspace, cell))
    return [*makers, partial(recordings.report, workspace), partial(recordings.pages, workspace)]


def _open(workspace: Workspace, thorough: bool) -> Store:
    # The import is not limited: an interrupted one would leave half of its modules behind.
    load_mlflow(tracking_address(workspace.root))
    with time_limit(OPEN_SECONDS):
        return Store(workspace.root, workspace.params.tracking.experiment, thorough)


def _record(store: Store, recording: Recording) -> Outcome:
    record = recording.record
    request = Request(
        record.name,
        record.key,
        record.tags,
        record.params,
        once=True,
        pid=os.getpid(),
        data=record.data,
        summary=record.summary,
    )
    delivery = Delivery(request, lambda failed: store)
    now = time.time_ns() // 1_000_000
    for step, values in recording.rows:
        delivery.add([Value(metric_name(name), float(value), step, now) for name, value in values.items()])
    for path, folder in recording.artifacts:
        delivery.attach(path, folder)
    delivery.end("FINISHED")
    try:
        with time_limit(CELL_SECONDS):
            delivery.attempt()
    except (Exception, OutOfTimeError) as error:
        return Outcome(record.name, False, describe(error))
    return Outcome(record.name, delivery.finished, "; ".join(delivery.refused))
