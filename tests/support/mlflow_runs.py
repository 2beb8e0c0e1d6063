"""Runs of MLflow as the tests make them and look at them."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipeline.config.cells import Cell
from pipeline.tracking.delivery import Delivery, Request
from pipeline.tracking.record import Record, Value
from pipeline.tracking.store import Store

EXPERIMENT = "test"
CONFIG = {"loss": {"mask": 10.0}, "training": {"seed": 3, "steps": 2}}
CELL = Cell("ours", "dinov2", "car", 3)
RECORD = Record("training", "train", CELL._asdict(), CONFIG, "d" * 64)


def client(root: Path) -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=f"sqlite:///{root / 'mlflow.db'}")


def runs(root: Path, experiment: str = EXPERIMENT) -> list[Any]:
    """Runs of the experiment's cells, parents left out."""
    found = client(root).get_experiment_by_name(experiment)
    return client(root).search_runs([found.experiment_id], "tags.kind != 'experiment'") if found else []


def history(root: Path, run: Any, name: str) -> list[tuple[int, float]]:
    return sorted((m.step, m.value) for m in client(root).get_metric_history(run.info.run_id, name))


def request(record: Record = RECORD, once: bool = False, pid: int | None = None, memory: Path | None = None) -> Request:
    place = str(memory) if memory else None
    return Request(
        record.name,
        record.key,
        record.tags,
        record.params,
        once,
        pid or os.getpid(),
        place,
        record.data,
        record.summary,
    )


def values(rows: Mapping[int, Mapping[str, float]], milliseconds: int = 1) -> list[Value]:
    return [Value(name, value, step, milliseconds) for step, row in rows.items() for name, value in row.items()]


def delivery(root: Path, opened: Callable[..., Store] = Store, **changes: Any) -> Delivery:
    return Delivery(request(**changes), lambda failed: opened(root, EXPERIMENT, thorough=failed))


def deliver(root: Path, rows: Mapping[int, Mapping[str, float]], status: str = "FINISHED", **changes: Any) -> Delivery:
    """Record rows of metrics in one attempt; with an empty status, the run stays open."""
    made = delivery(root, **changes)
    made.add(values(rows))
    made.end(status)
    made.attempt()
    return made
