"""Execution of stages on a Ray cluster, from the side of the head: attempts, and what is taken over of them."""

import contextlib
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from pipeline.base.errors import InputError
from pipeline.base.files import make_folder, remove_folder
from pipeline.cluster.attempt import PROGRESS, Result, place_of, sums_of
from pipeline.cluster.order import Order, Orders
from pipeline.cluster.transport import Transport
from pipeline.fanout.logs import note
from pipeline.fanout.processes import STOPPED
from pipeline.fanout.work import Work

LOST = 255
"""Exit code of a stage whose workers were lost again and again."""
PAUSE, LONGEST_PAUSE = 2.0, 60.0
"""Seconds before the second attempt, which double with each later one: what has died has to leave the memory."""


class ClusterExecutor:
    """Thread-safe executor of stages on a cluster that can be stopped.

    Args:
        ray: the module, connected to a cluster.
        root: root of the repository.
        home: folder of the attempts, on the file system of `root`.
        orders: maker of what is told to workers.
        transport: way to them and back, which is open.
        options: function that returns the options of Ray for a stage: its resources.
        retries: number of times that a stage is tried again after its worker was lost.
        local: executor of stages whose outputs are kept between runs.
        places: number of stages that the cluster executes at once; None where it may grow.
    """

    def __init__(
        self,
        ray: Any,
        root: Path,
        home: Path,
        orders: Orders,
        transport: Transport,
        options: Callable[[str], Mapping[str, Any]],
        retries: int,
        local: Callable[[str, Work, Path], int],
        places: int | None = None,
    ) -> None:
        self.places = places
        self._ray, self._root, self._home = ray, root, home
        self._orders, self._transport = orders, transport
        self._options, self._retries, self._local = options, retries, local
        self._lock = threading.Lock()
        self._running: dict[str, Any] = {}
        self._stopped = threading.Event()

    def execute(self, name: str, work: Work, log: Path) -> int:
        """Execute the commands of a stage on some machine, and put its outputs in their place.

        Returns:
            The exit code of the commands.
        """
        if work.keeps:
            return self._local(name, work, log)
        for number in range(self._retries + 1):
            if number and self._stopped.wait(min(LONGEST_PAUSE, PAUSE * 2 ** (number - 1))):
                return STOPPED
            token = uuid4().hex
            order = self._orders.make(name, token, work)
            home = self._begin(name, token)
            try:
                result = self._attempt(order, home, log)
            except _LostError as error:
                note(log, f"The attempt was lost: {error}")
                continue
            if result is None:
                return STOPPED
            if result.code < 0:
                note(log, f"A signal has ended the command, as when memory runs out: {result.code}")
                continue
            if result.code == 0:
                self._accept(order, home)
                remove_folder(home.parent)
            return result.code
        note(log, f"{self._retries + 1} attempts were lost (params.yaml: resources.retries).")
        return LOST

    def stop(self) -> None:
        """Start nothing more, and interrupt what runs."""
        with self._lock:
            self._stopped.set()
            running = list(self._running.values())
        for reference in running:
            with contextlib.suppress(Exception):
                self._ray.cancel(reference, force=False)

    def _begin(self, name: str, token: str) -> Path:
        """Make the folder of an attempt, with the progress of the one before. What that writes later goes nowhere."""
        place = place_of(self._home, name, token)
        make_folder(place)
        before = [path for path in place.parent.iterdir() if path != place]
        before.sort(key=lambda path: path.stat().st_mtime)
        for path in reversed(before):
            if (path / PROGRESS).is_dir() and not (place / PROGRESS).exists():
                (path / PROGRESS).rename(place / PROGRESS)
            remove_folder(path)
        return place

    def _attempt(self, order: Order, home: Path, log: Path) -> Result | None:
        """Let a worker make an attempt. None where it was stopped.

        Raises:
            _LostError: the worker died, or what it sent is damaged.
        """
        options = {**self._options(order.stage), "max_retries": 0, "name": order.stage}
        try:
            call = self._transport.call(order, home, log)
            with self._lock:
                if self._stopped.is_set():
                    return None
                reference = self._ray.remote(call.function).options(**options).remote(*call.arguments)
                self._running[order.stage] = reference
            answer = self._ray.get(reference)
            self._transport.receive(answer, home)
        except self._ray.exceptions.TaskCancelledError:
            return None
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, KeyboardInterrupt):
                return None
            raise _LostError(str(error.cause).strip() or type(error.cause).__name__) from error
        except (self._ray.exceptions.RayError, InputError) as error:
            raise _LostError(_first_line(error)) from error
        finally:
            with self._lock:
                self._running.pop(order.stage, None)
            self._transport.close(order)
        if answer.result.code == 0 and sums_of(home, order.outputs) != answer.result.sums:
            raise _LostError("the outputs that arrived are not those that were made")
        return answer.result

    def _accept(self, order: Order, home: Path) -> None:
        """Move the outputs of an attempt into their place."""
        for output in order.outputs:
            source, target = home / output, self._root / output
            if not source.exists():
                # DVC says so in its own words.
                continue
            make_folder(target.parent)
            if target.is_dir() and not target.is_symlink():
                shutil.rmtree(target)
            source.replace(target)


class _LostError(Exception):
    """An attempt ended without a result."""


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"
