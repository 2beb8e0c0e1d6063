"""Recording of one cell in MLflow while it is computed. No failure of MLflow stops a stage, or holds it up for long."""

import os
import time
import warnings
from collections.abc import Mapping
from pathlib import Path

from pipeline.tracking.courier import Courier
from pipeline.tracking.delivery import Request
from pipeline.tracking.record import Record, Value, metric_name

STORE_SECONDS = 10.0
"""Maximum number of seconds that the end of a stage waits for the store."""
LOAD_SECONDS = 60.0
"""Maximum number of seconds that the end of a short stage waits for MLflow to be imported, which takes some 3."""
KILLED_SECONDS = 5.0
"""Maximum number of seconds that a stage waits which was told to end."""
SWITCH = "SEMAGIC_TRACKING"
"""Environment variable that is `off` where nothing is recorded, as `semagic sync` does it later."""
MEMORY = "mlflow.json"
"""Name of the file, beside the checkpoints of a training, that keeps the identifier of its run."""


class Tracker:
    """Context manager that records one cell of a stage as a child of the DVC experiment's parent run.

    Everything of MLflow happens in another process. No method raises: the first failure is reported as one warning, and
    the other process tries again later. At the end, the stage waits up to STORE_SECONDS for what is not sent yet, and
    leaves the rest to `semagic sync`.

    An exception inside the context propagates and marks the run as FAILED; an interruption marks it as KILLED.

    Attributes:
        delivered: after the end, whether the store has the whole run.

    Args:
        record: identity of the run. A run with the same identity whose process died is continued.
        experiment: name of the MLflow experiment.
        root: folder of `params.yaml`. Runs go to `mlflow.db` at the repository's root (`DVC_ROOT`, else `root`),
            or to `MLFLOW_TRACKING_URI`.
        once: record nothing if a finished run of this record exists already.
        checkpoints: folder that keeps the identifier of an unfinished run for the process that goes on with it.
    """

    def __init__(
        self, record: Record, experiment: str, root: Path, once: bool = False, checkpoints: Path | None = None
    ) -> None:
        self.delivered = False
        memory = str((checkpoints / MEMORY).absolute()) if checkpoints else None
        request = Request(
            record.name, record.key, record.tags, record.params, once, os.getpid(), memory, record.data, record.summary
        )
        self._opening = {"root": str(root.absolute()), "experiment": experiment, "request": request._asdict()}
        self._courier: Courier | None = None
        self._loaded: float | None = None
        self._ended = self._warned = False

    def __enter__(self) -> "Tracker":
        self._open()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.finish("FINISHED")
        else:
            self.finish("KILLED" if issubclass(kind, KeyboardInterrupt) else "FAILED")

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Record one value for each name."""
        now = time.time_ns() // 1_000_000
        self._send(values=[Value(metric_name(name), float(value), step, now) for name, value in values.items()])

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Attach a file, or the content of a folder, to the run's artifacts under `folder`, as they are at the end."""
        self._send(artifact=[str(path.absolute()), folder])

    def finish(self, status: str = "FINISHED") -> None:
        """Close the run as FINISHED, FAILED or KILLED. Later calls record nothing."""
        if self._courier is None:
            return
        self._send(finish=status)
        begin = time.monotonic()
        try:
            while not (self._ended or self._courier.ended):
                left = self._deadline(begin, status) - time.monotonic()
                if left <= 0:
                    break
                self._listen(left)
        finally:
            courier, self._courier = self._courier, None
            courier.close()
        unopened = status == "KILLED" and self._loaded is None
        if not (self.delivered or self._warned or unopened):
            waited = f"no answer within {time.monotonic() - begin:.0f} seconds"
            self._warn("its process has ended" if courier.ended else waited)

    def _open(self) -> None:
        if os.environ.get(SWITCH) == "off":
            return
        try:
            self._courier = Courier()
        except OSError as error:
            self._warn(f"its process cannot be started ({error})")
        else:
            self._send(**self._opening)

    def _send(self, **message: object) -> None:
        if self._courier is not None:
            self._courier.send(**message)
            self._listen(0.0)

    def _listen(self, seconds: float) -> None:
        assert self._courier is not None
        for answer in self._courier.exchange(seconds):
            if "loaded" in answer:
                self._loaded = time.monotonic()
            if "done" in answer:
                self._ended, self.delivered = True, answer["done"]
            if "problem" in answer and not self._warned:
                self._warn(answer["problem"])
            if "note" in answer:
                warnings.warn(f"MLflow: {answer['note']}", stacklevel=4)

    def _deadline(self, begin: float, status: str) -> float:
        if status == "KILLED":
            # Before MLflow is imported, there is no run that could be marked.
            return begin if self._loaded is None else begin + KILLED_SECONDS
        if self._loaded is None:
            return begin + LOAD_SECONDS
        return max(begin, self._loaded) + STORE_SECONDS

    def _warn(self, problem: str) -> None:
        self._warned = True
        warnings.warn(
            f"MLflow has not taken this run ({problem}). The files have it all; `semagic sync` adds what is missing.",
            stacklevel=4,
        )
