"""MLflow runs of training and evaluation cells. Tracking never costs a result: a failure here is one warning."""

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
"""Characters of a parameter that MLflow takes."""


@dataclass(frozen=True)
class Record:
    """What one MLflow run stands for: a cell of a stage, with one configuration and one set of inputs."""

    kind: str
    """'instances', 'training', 'evaluation', 'baselines', 'reconstruction' or 'report'."""
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
        """As DVC names the cell, e.g. 'train@ours-dinov2-car-0'."""
        cell = "-".join(map(str, self.cell.values()))
        return f"{self.stage}@{cell}" if cell else self.stage

    @property
    def key(self) -> dict[str, str]:
        """The tags by which a run of this cell is found again."""
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
    """Records one cell of a stage, as a context: a child run under the parent run of the DVC experiment.

    The first failure is reported as one warning and switches the tracker off; nothing it does raises. An exception
    inside the context marks the run as failed and passes on.

    Args:
        record: what is recorded.
        experiment: name of the MLflow experiment.
        root: folder of `params.yaml`. Runs go to `mlflow.db` at the repository's root (`DVC_ROOT`, else `root`),
            or to `MLFLOW_TRACKING_URI`.
        once: record nothing where a finished run of this record is there already.
    """

    def __init__(self, record: Record, experiment: str, root: Path, once: bool = False) -> None:
        self.reachable = True
        """False from the first failure on."""
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
        """Whether anything is recorded still."""
        return self._run is not None

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Note a value for each name; the buffer is sent when it is full or ten seconds old."""
        now = time.time_ns() // 1_000_000
        self._buffer += [Value(metric_name(name), float(value), step, now) for name, value in values.items()]
        if len(self._buffer) >= VALUES_PER_REQUEST or time.monotonic() - self._flushed > FLUSH_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Send what is buffered."""
        values, self._buffer, self._flushed = self._buffer, [], time.monotonic()
        if self._run and values:
            self._attempt(lambda: self._store.log(self._run, values))

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Attach a file, or the content of a folder, under `folder` of the run's artifacts."""
        if self._run:
            self._attempt(lambda: self._store.attach(self._run, path, folder))

    def finish(self, status: str = "FINISHED") -> None:
        """Send the rest and close the run as FINISHED or FAILED; what is recorded afterwards is dropped."""
        self.flush()
        if self._run:
            self._attempt(lambda: self._store.finish(self._run, status))
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
    """Leaves of nested mappings by their dotted names."""
    leaves = {}
    for name, value in nested.items():
        if isinstance(value, Mapping):
            leaves |= flatten(value, f"{prefix}{name}.")
        else:
            leaves[f"{prefix}{name}"] = value
    return leaves


def metric_name(name: str) -> str:
    """`name` with what MLflow does not take in a name replaced: 'PCK@0.1' becomes 'PCK_0.1'."""
    return re.sub(r"[^\w./: -]", "_", name)


def inputs_sha256(paths: Iterable[Path]) -> str:
    """Hash of the content of files and folders; names count within a folder, its place does not."""
    digest = hashlib.sha256()
    for path in paths:
        for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
            digest.update(f"{file.relative_to(path).as_posix()} {sha256(file)}\n".encode())
    return digest.hexdigest()
