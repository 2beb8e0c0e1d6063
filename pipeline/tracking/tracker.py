"""Recording of one cell in MLflow. A failure of MLflow is reported as one warning and never stops a stage."""

import hashlib
import json
import re
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.base.files import sha256
from pipeline.tracking.store import VALUES_PER_REQUEST, Store, Value

FLUSH_SECONDS = 10.0
LONGEST_PARAM = 6000
"""Maximum number of characters of a parameter that MLflow accepts."""


@dataclass(frozen=True)
class Record:
    """Identity of one MLflow run: a cell of a stage, with one configuration and one set of inputs."""

    kind: str
    """Kind of run: 'instances', 'training', 'evaluation', 'baselines', 'reconstruction' or 'report'."""
    stage: str
    """Name of the DVC stage."""
    cell: Mapping[str, str | int]
    """Dimensions of the stage's matrix and their values, such as variant, backbone, category and seed."""
    config: Mapping[str, Any]
    """Nested plain parameters that decide the result."""
    data_sha256: str
    """Hash of the inputs."""

    @property
    def name(self) -> str:
        """DVC's name of the cell, for instance 'train@ours-dinov2-car-0'."""
        cell = "-".join(map(str, self.cell.values()))
        return f"{self.stage}@{cell}" if cell else self.stage

    @property
    def key(self) -> dict[str, str]:
        """Tags that identify the run of this record."""
        canonical = json.dumps(self.config, sort_keys=True)
        return {
            "config.sha256": hashlib.sha256(canonical.encode()).hexdigest(),
            "data.sha256": self.data_sha256,
            "dvc.stage": self.name,
        }

    @property
    def tags(self) -> dict[str, str]:
        return {**self.key, "kind": self.kind, **{name: str(value) for name, value in self.cell.items()}}


class Tracker:
    """Context manager that records one cell of a stage as a child of the DVC experiment's parent run.

    No method raises: the first failure is reported as one warning and switches the tracker off. An exception inside
    the context marks the run as failed and propagates.

    Args:
        record: identity of the run.
        experiment: name of the MLflow experiment.
        root: folder of `params.yaml`. Runs go to `mlflow.db` at the repository's root (`DVC_ROOT`, else `root`),
            or to `MLFLOW_TRACKING_URI`.
        once: record nothing if a finished run of this record exists already.
    """

    def __init__(self, record: Record, experiment: str, root: Path, once: bool = False) -> None:
        self.reachable = True
        """Whether MLflow can be reached. False from the first failure on."""
        self._run: str | None = None
        self._buffer: list[Value] = []
        self._flushed = time.monotonic()
        self._attempt(lambda: self._open(record, experiment, root, once))

    def __enter__(self) -> "Tracker":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.finish("FINISHED" if kind is None else "FAILED")

    @property
    def active(self) -> bool:
        """Whether the tracker has an open run."""
        return self._run is not None

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Buffer one value for each name. The buffer is sent when it is full or ten seconds old."""
        now = time.time_ns() // 1_000_000
        self._buffer += [Value(metric_name(name), float(value), step, now) for name, value in values.items()]
        if len(self._buffer) >= VALUES_PER_REQUEST or time.monotonic() - self._flushed > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Send the buffered values."""
        values, self._buffer, self._flushed = self._buffer, [], time.monotonic()
        if (run := self._run) and values:
            self._attempt(lambda: self._store.log(run, values))

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Attach a file, or the content of a folder, to the run's artifacts under `folder`."""
        if run := self._run:
            self._attempt(lambda: self._store.attach(run, path, folder))

    def finish(self, status: str = "FINISHED") -> None:
        """Send the buffered values and close the run as FINISHED or FAILED. Later calls record nothing."""
        self.flush()
        if run := self._run:
            self._attempt(lambda: self._store.finish(run, status))
        self._run = None

    def _open(self, record: Record, experiment: str, root: Path, once: bool) -> None:
        self._store = Store(root, experiment)
        if once and self._store.find(record.key):
            return
        params = {name: str(value)[:LONGEST_PARAM] for name, value in flatten(record.config).items()}
        self._run = self._store.start(record.name, record.tags, params)

    def _attempt(self, action: Callable[[], Any]) -> None:
        try:
            action()
        except Exception as error:
            self._run, self.reachable = None, False
            warnings.warn(f"MLflow is off for this run, the files have everything: {error}", stacklevel=3)


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Map the dotted name of each leaf of nested mappings to its value."""
    leaves = {}
    for name, value in nested.items():
        if isinstance(value, Mapping):
            leaves |= flatten(value, f"{prefix}{name}.")
        else:
            leaves[f"{prefix}{name}"] = value
    return leaves


def metric_name(name: str) -> str:
    """Replace the characters that MLflow does not accept in a name: 'PCK@0.1' becomes 'PCK_0.1'."""
    return re.sub(r"[^\w./: -]", "_", name)


def inputs_sha256(paths: Iterable[Path]) -> str:
    """Hash the content of files and folders, including file names relative to a folder but not the folder's path."""
    digest = hashlib.sha256()
    for path in paths:
        for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
            digest.update(f"{file.relative_to(path).as_posix()} {sha256(file)}\n".encode())
    return digest.hexdigest()
