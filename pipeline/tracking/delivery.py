"""One run on its way to the store: what it is, and what the store has not got yet."""

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.base.files import write_json
from pipeline.tracking.data_used import DataUsed
from pipeline.tracking.experiment_summary import ExperimentSummary
from pipeline.tracking.record import Value
from pipeline.tracking.redaction import describe
from pipeline.tracking.store import INCOMPLETE, Run, Store

WHY_INCOMPLETE = "Metrics or files are missing; `semagic sync` adds them."


class Request(NamedTuple):
    """A run that is to be recorded, as text and numbers that can be sent to another process."""

    name: str
    key: Mapping[str, str]
    """Tags that identify the run, whichever process records it."""
    tags: Mapping[str, str]
    params: Mapping[str, str]
    once: bool
    """Whether nothing is recorded if the store has a whole run with this key."""
    pid: int
    """Process that the run belongs to."""
    memory: str | None = None
    """File that keeps the identifier of the run until it is finished."""
    data: Sequence[Sequence[str]] = ()
    """Fields of each `DataUsed`."""
    summary: Sequence[Any] | None = None
    """Fields of the `ExperimentSummary`; None for a run that says nothing of the whole experiment."""


class Delivery:
    """A run that is brought to a store in as many attempts as it takes.

    A run with the same key whose process has died is continued. Metric values that it has are not sent again.

    Attributes:
        skipped: whether the store has this run, or another process is recording it.
        finished: whether the store has all that it took, and the run is closed.
        refused: sentences on the files that the store did not take.
        note: sentence on a database that had to be replaced, or an empty text.

    Args:
        request: the run.
        open_store: opens the store; called with whether an attempt has failed before.
    """

    def __init__(self, request: Request, open_store: Callable[[bool], Store]) -> None:
        self.skipped = self.finished = False
        self.refused: list[str] = []
        self.note = ""
        self._request, self._open_store = request, open_store
        self._store: Store | None = None
        self._run = ""
        self._failed = self._lossy = False
        self._known: Mapping[str, set[int]] = {}
        self._values: list[Value] = []
        self._artifacts: list[tuple[Path, str | None]] = []
        self._status = ""

    def add(self, values: Sequence[Value]) -> None:
        """Take metric values along."""
        self._values += values

    def attach(self, path: Path, folder: str | None = None) -> None:
        """Take a file, or the content of a folder, along. It is read when the run ends."""
        self._artifacts.append((path, folder))

    def end(self, status: str) -> None:
        """Say how the run has ended: FINISHED, FAILED or KILLED."""
        self._status = status

    def attempt(self) -> None:
        """Bring everything to the store. After an error, the next call goes on with what is missing.

        Raises:
            Exception: whatever MLflow raises.
        """
        try:
            self._attempt()
        except BaseException:
            self._store, self._failed = None, True
            raise

    def _attempt(self) -> None:
        if self._store is None:
            store = self._open_store(self._failed)
            self.note = store.note or self.note
            self._open(store)
            self._store = store
        if self.skipped:
            return
        if self._status == "KILLED" and not self._store.belongs(self._run, self._request.pid):
            # Another process goes on with the run already.
            self.skipped = True
            return
        values = list(self._values)
        self._store.log(self._run, [v for v in values if v.step not in self._known.get(v.name, ())])
        del self._values[: len(values)]
        if self._status:
            self._close(self._store)

    def _open(self, store: Store) -> None:
        request = self._request
        with store.locked():
            found = store.find(request.key)
            if request.once and any(run.complete or run.alive for run in found if run.id != self._run):
                self.skipped = True
                return
            tags = store.tags({**request.tags, INCOMPLETE: WHY_INCOMPLETE}, request.pid)
            continued = self._to_continue(found)
            if continued:
                store.resume(continued, tags)
            run = continued or store.start(request.name, tags)
        self._lossy = self._lossy or self._run not in ("", run)
        self._run = run
        self._remember(store)
        store.set_params(run, request.params)
        store.set_data(run, [DataUsed(*fields) for fields in request.data])
        self._known = store.steps(run) if continued else {}

    def _to_continue(self, found: Sequence[Run]) -> str:
        """Identifier of the run to go on with, or an empty text. It is no run of another process that is alive."""
        own = (self._run, self._remembered())
        unfinished = [run for run in found if not run.complete and (run.id in own or not run.alive)]
        unfinished.sort(key=lambda run: run.id not in own)
        return unfinished[0].id if unfinished else ""

    def _close(self, store: Store) -> None:
        # The status first: whatever happens to the files, the run says how it ended, and its tag that they are missing.
        store.end(self._run, self._status)
        summary = self._request.summary
        targets = [self._run]
        if summary is not None:
            targets.append(store.parent)
            if self._status == "FINISHED":
                store.summarise(ExperimentSummary(*summary))
        self.refused = []
        for path, folder in self._artifacts:
            try:
                for target in targets:
                    store.attach(target, path, folder)
            except Exception as error:
                self.refused.append(f"{path}: {describe(error)}")
        if not (self.refused or self._lossy):
            store.complete(self._run)
        self.finished = True
        if self._status == "FINISHED":
            self._forget()

    def _remember(self, store: Store) -> None:
        if self._request.memory and self._status != "FINISHED":
            content = {"run": self._run, "store": store.address, "key": dict(self._request.key)}
            with contextlib.suppress(OSError):
                write_json(Path(self._request.memory), content)

    def _remembered(self) -> str:
        """Identifier of the run that an earlier process of the same training has opened, or an empty text."""
        if not self._request.memory:
            return ""
        with contextlib.suppress(OSError, ValueError, RecursionError):
            content = json.loads(Path(self._request.memory).read_bytes())
            if isinstance(content, dict) and content.get("key") == self._request.key:
                return str(content.get("run", ""))
        return ""

    def _forget(self) -> None:
        if self._request.memory:
            with contextlib.suppress(OSError):
                Path(self._request.memory).unlink(missing_ok=True)
