"""Storage of MLflow runs: one sqlite file at the root of the repository, or a server."""

import contextlib
import fcntl
import logging
import os
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

EXPERIMENT_WORKSPACES = Path(".dvc/tmp/exps")
"""Folder, inside the repository, of the temporary workspaces in which DVC runs queued experiments."""
VALUES_PER_REQUEST = 1000
"""Maximum number of metric values that MLflow accepts in one request."""
PARAMS_PER_REQUEST = 100
"""Maximum number of parameters that MLflow accepts in one request."""


class Value(NamedTuple):
    """Value of one metric at one step."""

    name: str
    value: float
    step: int
    milliseconds: int
    """Time stamp in milliseconds since the Unix epoch."""


class Store:
    """Runs of one MLflow experiment, each under the parent run of its DVC experiment.

    Every method may raise the exceptions of MLflow. `pipeline.tracking.tracker.Tracker` wraps it and never raises.

    Args:
        root: folder of `params.yaml`.
        experiment: name of the MLflow experiment, which is created if it does not exist.
    """

    def __init__(self, root: Path, experiment: str) -> None:
        self._repository = repository_root(root)
        self._uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{self._repository / 'mlflow.db'}"
        with self._locked():
            self._client = self._connect()
            self._experiment = self._find_or_create_experiment(experiment)

    def find(self, tags: Mapping[str, str]) -> str | None:
        """Find the identifier of a finished run that has all of `tags`. None where there is no such run."""
        conditions = [f"tags.`{name}` = '{value}'" for name, value in tags.items()]
        query = " and ".join([*conditions, "attributes.status = 'FINISHED'"])
        runs = self._client.search_runs([self._experiment], query, max_results=1)
        return runs[0].info.run_id if runs else None

    def start(self, name: str, tags: Mapping[str, str], params: Mapping[str, str]) -> str:
        """Open a run with all its parameters and return its identifier."""
        from mlflow.entities import Param

        source = provenance(self._repository)
        parent = self._find_or_create_parent(source)
        tags = {**source, **tags, "mlflow.parentRunId": parent}
        run = self._client.create_run(self._experiment, tags=tags, run_name=name).info.run_id
        for batch in batches([Param(*item) for item in params.items()], PARAMS_PER_REQUEST):
            self._client.log_batch(run, params=batch)
        return run

    def log(self, run: str, values: Sequence[Value]) -> None:
        """Add metric values to a run."""
        from mlflow.entities import Metric

        metrics = [Metric(v.name, v.value, v.milliseconds, v.step) for v in values]
        for batch in batches(metrics, VALUES_PER_REQUEST):
            self._client.log_batch(run, metrics=batch)

    def attach(self, run: str, path: Path, folder: str | None) -> None:
        """Copy a file, or the content of a folder, into a run's artifacts."""
        (self._client.log_artifacts if path.is_dir() else self._client.log_artifact)(run, str(path), folder)

    def finish(self, run: str, status: str) -> None:
        """Close a run as FINISHED or FAILED."""
        self._client.set_terminated(run, status)

    def _connect(self) -> Any:
        # An unreachable server must cost only seconds, while MLflow's own limits add up to minutes.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "3")
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        # The import takes seconds, which stages without tracking must not spend.
        from mlflow.tracking import MlflowClient

        logging.getLogger("mlflow.store.db").setLevel(logging.WARNING)
        client = MlflowClient(tracking_uri=self._uri)
        if self._database:
            client.search_experiments(max_results=1)
            with contextlib.closing(sqlite3.connect(self._database)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
        return client

    @property
    def _database(self) -> Path | None:
        path = self._uri.removeprefix("sqlite:///")
        return Path(path) if path != self._uri else None

    def _find_or_create_experiment(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found:
            return found.experiment_id
        # MLflow's default location is relative to the working directory of the process that creates the experiment.
        location = (self._database.resolve().parent / "mlruns" / name).as_uri() if self._database else None
        return self._client.create_experiment(name, artifact_location=location)

    def _find_or_create_parent(self, source: Mapping[str, str]) -> str:
        tags = {"kind": "experiment", "dvc.exp": source["dvc.exp"], "dvc.baseline": source["dvc.baseline"]}
        with self._locked():
            parent = self.find(tags)
            if parent is None:
                name = f"{tags['dvc.exp']} {tags['dvc.baseline'][:7]}"
                parent = self._client.create_run(self._experiment, tags=tags, run_name=name).info.run_id
                self.finish(parent, "FINISHED")
        return parent

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the repository's lock.

        Cells that start together would otherwise race to create the schema, the experiment and the parent run.
        """
        with (self._repository / ".mlflow.lock").open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield


def repository_root(root: Path) -> Path:
    """Find the absolute folder that holds the tracking file.

    It is `DVC_ROOT` if set, otherwise `root`. Inside a temporary workspace of DVC it is the enclosing repository.
    """
    path = Path(os.environ.get("DVC_ROOT") or root).resolve()
    for parent in path.parents:
        if path.is_relative_to(parent / EXPERIMENT_WORKSPACES):
            return parent
    return path


def provenance(root: Path) -> dict[str, str]:
    """Make the tags that identify the code of a run: git commit (with -dirty), DVC experiment and its baseline."""
    commit = _git(root, "rev-parse", "HEAD") or "none"
    # Files that a run itself rewrites do not count as changes of the code.
    dirty = _git(root, "status", "--porcelain", "--untracked-files=no", "--", ".", ":!dvc.lock", ":!reports")
    return {
        "git.commit": f"{commit}-dirty" if dirty else commit,
        "dvc.exp": os.environ.get("DVC_EXP_NAME") or "workspace",
        "dvc.baseline": os.environ.get("DVC_EXP_BASELINE_REV") or commit,
    }


def batches(items: Sequence, size: int) -> Iterator[Sequence]:
    """Split `items` into consecutive slices of at most `size` items."""
    return (items[i : i + size] for i in range(0, len(items), size))


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
