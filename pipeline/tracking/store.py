"""The runs of one MLflow experiment, in a sqlite file or on a server."""

import contextlib
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.tracking.address import database_of, repository_root, tracking_address
from pipeline.tracking.data_used import DataUsed
from pipeline.tracking.database import is_expendable, locked, prepare, replace
from pipeline.tracking.experiment_summary import ExperimentSummary
from pipeline.tracking.loading import load_mlflow
from pipeline.tracking.owner import HOST, PID, is_dead, owner_tags, this_host
from pipeline.tracking.provenance import provenance
from pipeline.tracking.record import Value, metric_name
from pipeline.tracking.redaction import without_secrets
from pipeline.tracking.relocation import artifact_folder, relocate
from pipeline.tracking.views import CURVES, EVALUATIONS, TRAININGS, links, tables, view_tags

VALUES_PER_REQUEST = 1000
"""Maximum number of metric values that MLflow accepts in one request."""
PARAMS_PER_REQUEST = 100
"""Maximum number of parameters that MLflow accepts in one request."""
PARENT, DESCRIPTION = "mlflow.parentRunId", "mlflow.note.content"
"""Tags that MLflow gives a meaning."""
CELLS = (EVALUATIONS, TRAININGS, CURVES)
DIGEST = "bundle.sha256"
"""Tag of a model."""
INCOMPLETE = "incomplete"
"""Tag of a run that lacks metrics or files."""


class Run(NamedTuple):
    """A run of the store."""

    id: str
    status: str
    """'RUNNING', 'FINISHED', 'FAILED' or 'KILLED'."""
    tags: Mapping[str, str]

    @property
    def complete(self) -> bool:
        """Whether there is nothing to add."""
        return self.status == "FINISHED" and INCOMPLETE not in self.tags

    @property
    def alive(self) -> bool:
        """Whether a process may be adding to it."""
        return self.status == "RUNNING" and not is_dead(self.tags)


class Store:
    """Runs of one MLflow experiment, each under the parent run of its DVC experiment.

    Every method may raise the exceptions of MLflow, sqlite and the operating system, and may take long.

    Attributes:
        address: where the runs are, without secrets.
        note: sentence on a database that had to be replaced, or an empty text.

    Args:
        root: folder of `params.yaml`.
        experiment: name of the MLflow experiment, which is created if it does not exist.
        thorough: look for damage everywhere in the database, after an error.
    """

    def __init__(self, root: Path, experiment: str, thorough: bool = False) -> None:
        self._source = provenance(root)
        # What MLflow shows in its columns "Source" and "Version".
        self._shown = {
            "mlflow.source.name": "dvc.yaml",
            "mlflow.source.type": "PROJECT",
            "mlflow.source.git.commit": self._source["git.commit"].removesuffix("-dirty"),
        }
        self._address = tracking_address(root)
        self.address = without_secrets(self._address)
        self._database = database_of(self._address)
        self._folder = self._database.parent if self._database else repository_root(root)
        with self.locked():
            self._client, self.note = self._connect(thorough)
            self._experiment = self._find_or_create_experiment(experiment)
            self._end_dead_runs()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep out the other processes of this repository, for a search and what it decides."""
        with locked(self._folder):
            yield

    def find(self, tags: Mapping[str, str]) -> list[Run]:
        """Find the runs that have all of `tags`, the last one first."""
        return self._search([_equal(f"tags.`{name}`", value) for name, value in tags.items()])

    def start(self, name: str, tags: Mapping[str, str]) -> str:
        """Open a run that belongs to the process with these tags, and return its identifier."""
        return self._client.create_run(self._experiment, tags=dict(tags), run_name=without_secrets(name)).info.run_id

    def resume(self, run: str, tags: Mapping[str, str]) -> None:
        """Open a run that has ended, with new tags."""
        for name, value in tags.items():
            self._client.set_tag(run, name, value)
        self._client.update_run(run, status="RUNNING")

    def belongs(self, run: str, pid: int) -> bool:
        """Whether a run is still that of a process of this machine, and no other has gone on with it."""
        tags = self._client.get_run(run).data.tags
        return (tags.get(HOST), tags.get(PID)) == (this_host(), str(pid))

    def tags(self, own: Mapping[str, str], pid: int) -> dict[str, str]:
        """Make all tags of a run that process `pid` fills: its own, its process, the code, the parent run."""
        tags = {**self._source, **self._shown, **own, **owner_tags(pid), PARENT: self._find_or_create_parent()}
        return {name: without_secrets(value) for name, value in tags.items()}

    def steps(self, run: str) -> dict[str, set[int]]:
        """Return the steps of each metric that a run has values of."""
        names = self._client.get_run(run).data.metrics
        return {name: {metric.step for metric in self._client.get_metric_history(run, name)} for name in names}

    @property
    def parent(self) -> str:
        """Identifier of the run of the whole experiment, under which the others are."""
        return self._find_or_create_parent()

    def summarise(self, summary: ExperimentSummary) -> None:
        """Give the parent run the averages and the description of its experiment."""
        from mlflow.entities import Metric

        now = time.time_ns() // 1_000_000
        parent = self.parent
        metrics = [Metric(metric_name(name), value, now, 0) for name, value in summary.values.items()]
        for batch in batches(metrics, VALUES_PER_REQUEST):
            self._client.log_batch(parent, metrics=batch)
        self._client.set_tag(parent, DESCRIPTION, summary.description)
        views = [tables(map(metric_name, summary.values)), *CELLS]
        for name, value in {**view_tags(views), DESCRIPTION: links(views, self._experiment)}.items():
            self._client.set_experiment_tag(self._experiment, name, value)

    def has_model(self, name: str, digest: str) -> bool:
        """Whether there is a whole model of this name, made of the bundle with this digest."""
        return any(model.status == "READY" for model in self._models(name, digest))

    def add_model(self, name: str, run: str | None, tags: Mapping[str, str], folder: Path) -> None:
        """Add the folder of a saved model; what an attempt that was interrupted has left is removed."""
        for model in self._models(name, tags[DIGEST]):
            self._client.delete_logged_model(model.model_id)
        made = self._client.create_logged_model(self._experiment, name, run, dict(tags), model_type="semagic")
        self._client.log_model_artifacts(made.model_id, str(folder))
        self._client.finalize_logged_model(made.model_id, "READY")

    def _models(self, name: str, digest: str) -> list[Any]:
        condition = f"{_equal('name', name)} AND {_equal(f'tags.`{DIGEST}`', digest)}"
        return list(self._client.search_logged_models([self._experiment], condition))

    def set_data(self, run: str, data: Sequence[DataUsed]) -> None:
        """Say which data sets a run has used, which it may know already."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        inputs = [
            DatasetInput(
                Dataset(one.name, one.digest, "local", one.source, profile=one.profile),
                [InputTag("mlflow.data.context", one.context)],
            )
            for one in data
        ]
        if inputs:
            self._client.log_inputs(run, inputs)

    def set_params(self, run: str, params: Mapping[str, str]) -> None:
        """Add parameters to a run, which may have them already."""
        from mlflow.entities import Param

        for batch in batches([Param(*item) for item in params.items()], PARAMS_PER_REQUEST):
            self._client.log_batch(run, params=batch)

    def log(self, run: str, values: Sequence[Value]) -> None:
        """Add metric values to a run. Those that it has with the same time stamps are not added again."""
        from mlflow.entities import Metric

        metrics = [Metric(v.name, v.value, v.milliseconds, v.step) for v in values]
        for batch in batches(metrics, VALUES_PER_REQUEST):
            self._client.log_batch(run, metrics=batch)

    def attach(self, run: str, path: Path, folder: str | None) -> None:
        """Copy a file, or the content of a folder, into a run's artifacts."""
        (self._client.log_artifacts if path.is_dir() else self._client.log_artifact)(run, str(path), folder)

    def end(self, run: str, status: str) -> None:
        """Close a run as FINISHED, FAILED or KILLED; the parent run ends with the last of its runs."""
        self._client.set_terminated(run, status)
        tags = self._client.get_run(run).data.tags
        parent = tags.get(PARENT)
        if parent:
            # A failure stays in sight until a report is made in spite of it, or after it.
            before = self._client.get_run(parent).info.status
            failed = status != "FINISHED" or (before == "FAILED" and tags.get("kind") != "report")
            self._client.set_terminated(parent, "FAILED" if failed else "FINISHED")

    def complete(self, run: str) -> None:
        """Take away the tag of a run that lacks metrics or files."""
        self._client.delete_tag(run, INCOMPLETE)

    def _connect(self, thorough: bool) -> tuple[Any, str]:
        client_class = load_mlflow(self._address)
        if self._database is None:
            return _client(client_class, self._address), ""
        note = prepare(self._database, thorough)
        expendable = is_expendable(self._database)
        try:
            return _client(client_class, self._address), note
        except Exception:
            if not expendable:
                raise
        note = replace(self._database, "tables that MLflow has not finished, as when it is killed at its first start")
        return _client(client_class, self._address), note

    def _find_or_create_experiment(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if not found:
            # MLflow's default location is relative to the working directory of the process.
            location = artifact_folder(self._database, name).as_uri() if self._database else None
            return self._client.create_experiment(name, artifact_location=location, tags=view_tags(CELLS))
        if self._database:
            relocate(self._database, name)
        return found.experiment_id

    def _find_or_create_parent(self) -> str:
        tags = {"kind": "experiment", **{name: self._source[name] for name in ("dvc.exp", "dvc.baseline")}}
        found = self.find(tags)
        parent = (
            found[0].id
            if found
            else self.start(f"{tags['dvc.exp']} {tags['dvc.baseline'][:7]}", {**tags, **self._shown})
        )
        if not found or found[0].status == "RUNNING":
            self._client.set_terminated(parent, "FINISHED")
        return parent

    def _end_dead_runs(self) -> None:
        """Close the runs of this machine's processes that have ended without doing so."""
        for run in self._search([_equal(f"tags.`{HOST}`", this_host()), "attributes.status = 'RUNNING'"]):
            if is_dead(run.tags):
                self.end(run.id, "KILLED")

    def _search(self, conditions: Sequence[str]) -> list[Run]:
        found = self._client.search_runs([self._experiment], " and ".join(conditions))
        return [Run(run.info.run_id, run.info.status, run.data.tags) for run in found]


def _client(client_class: type, address: str) -> Any:
    """Open a store, and see that it answers."""
    with warnings.catch_warnings():
        # Alembic warns about MLflow's own migrations.
        warnings.simplefilter("ignore")
        client = client_class(tracking_uri=address)
        client.search_experiments(max_results=1)
    return client


def batches(items: Sequence, size: int) -> Iterator[Sequence]:
    """Split `items` into consecutive slices of at most `size` items."""
    return (items[i : i + size] for i in range(0, len(items), size))


def _equal(field: str, value: str) -> str:
    quote = '"' if "'" in value else "'"
    return f"{field} = {quote}{value}{quote}"
