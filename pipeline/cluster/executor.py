"""Execution of stages on a Ray cluster, from the side of the head: attempts, what they send, and what is taken over."""

import contextlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from pipeline.base.checksums import CHECKSUMS
from pipeline.base.errors import InputError
from pipeline.base.files import make_folder, remove_folder
from pipeline.cluster.attempt import PROGRESS, Order, Result, data_of, place_of, progress_files, sums_of
from pipeline.cluster.mailbox import Letter, Mailbox
from pipeline.cluster.packs import files_below, signature, unpack
from pipeline.fanout.logs import note
from pipeline.fanout.work import Work
from pipeline.warm.messages import ADDRESS

LOST = 255
"""Exit code of a stage whose workers were lost again and again."""
SETTINGS = ("params.yaml", "downloads.yaml")
"""Files that stages read from which DVC tracks single values."""
POLL = 2.0
"""Seconds between two looks into the mailbox."""
HANDED_ON = ("MLFLOW_", "SEMAGIC_", "HF_", "AWS_", "GOOGLE_", "AZURE_")
"""Beginnings of the names of environment variables that the stages get from the head."""


class ClusterExecutor:
    """Thread-safe executor of stages on a cluster that can be stopped.

    Args:
        ray: the module, connected to a cluster.
        root: root of the repository.
        home: folder of the attempts, on the file system of `root`.
        scratch: folder of each machine for attempts; None where all machines share `root`.
        options: function that returns the options of Ray for a stage: its resources.
        retries: number of times that a stage is tried again after its worker was lost.
        local: executor of stages whose outputs are kept between runs.
        extra: function that returns further files and folders that a stage reads, as paths in `root`.
    """

    def __init__(
        self,
        ray: Any,
        root: Path,
        home: Path,
        scratch: str | None,
        options: Callable[[str], Mapping[str, Any]],
        retries: int,
        local: Callable[[str, Work, Path], int],
        extra: Callable[[tuple[str, ...]], tuple[str, ...]] = lambda inputs: (),
    ) -> None:
        self._ray, self._root, self._home, self._scratch = ray, root, home, scratch
        self._options, self._retries, self._local = options, retries, local
        self._extra = extra
        self._lock = threading.Lock()
        self._running: dict[str, Any] = {}
        self._stopped = False
        self._sent: dict[str, tuple[Any, list[Any]]] = {}
        self._packing = threading.Lock()
        self._logs: dict[str, tuple[str, Path]] = {}
        self._mailbox: Any = None

    @contextmanager
    def opened(self) -> Iterator["ClusterExecutor"]:
        """Take in what workers send, while the body runs."""
        if self._scratch is None:
            yield self
            return
        self._mailbox = self._ray.remote(Mailbox).options(num_cpus=0, max_restarts=-1, max_task_retries=-1).remote()
        ended = threading.Event()

        def poll() -> None:
            while not ended.wait(POLL):
                self._take_letters()

        thread = threading.Thread(target=poll, name="mailbox", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            ended.set()
            thread.join()

    def execute(self, name: str, work: Work, log: Path) -> int:
        """Execute the commands of a stage on some machine, and put its outputs in their place.

        Returns:
            The exit code of the commands.
        """
        if work.keeps:
            return self._local(name, work, log)
        for _ in range(self._retries + 1):
            token = uuid4().hex
            order = self._order(name, token, work)
            home = self._begin(name, token)
            try:
                result = self._attempt(order, home, log)
            except _LostError as error:
                note(log, f"The attempt was lost: {error}")
                continue
            if result is None:
                return 130
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
            self._stopped = True
            running = list(self._running.values())
        for reference in running:
            with contextlib.suppress(Exception):
                self._ray.cancel(reference, force=False)

    def _order(self, name: str, token: str, work: Work) -> Order:
        environment = {key: value for key, value in os.environ.items() if key.startswith(HANDED_ON) and key != ADDRESS}
        if "://" not in environment.get("MLFLOW_TRACKING_URI", "") or environment["MLFLOW_TRACKING_URI"].startswith(
            ("sqlite", "file")
        ):
            # A file of runs cannot be written from several machines: `semagic sync` adds them at the head.
            environment["SEMAGIC_TRACKING"] = "off"
        environment |= {key: value for key, value in work.environment.items() if key != "DVC_ROOT"}
        inputs, outputs = (
            tuple(os.path.relpath(path, self._root) for path in paths) for paths in (work.inputs, work.outputs)
        )
        folder = os.path.relpath(work.folder, self._root)
        # Whoever reads a file checks it against the list beside it.
        sums = (str(Path(path).with_name(CHECKSUMS)) for path in inputs if (self._root / path).is_file())
        beside = (path for path in dict.fromkeys((*SETTINGS, *sums)) if (self._root / path).is_file())
        extra = (*(path for path in beside if path not in inputs), *self._extra(inputs))
        return Order(name, token, work.commands, folder, environment, (*inputs, *extra), outputs)

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
        from pipeline.cluster import worker

        options = {**self._options(order.stage), "max_retries": 0, "name": order.stage}
        if self._scratch is None:
            function: Any = worker.work_in_shared_folder
            arguments: tuple[Any, ...] = (order, str(self._root), str(self._home), str(log))
            self._share_first_phase(home)
        else:
            function = worker.work_in_scratch
            progress = worker.put(home, progress_files(home))
            arguments = (order, self._scratch, self._inputs(order), progress, self._mailbox)
            self._ray.get(self._mailbox.want.remote(order.stage, order.token))
        with self._lock:
            if self._stopped:
                return None
            self._logs[order.stage] = (order.token, log)
            reference = self._ray.remote(function).options(**options).remote(*arguments)
            self._running[order.stage] = reference
        try:
            answer = self._ray.get(reference)
            for sent in answer.packs:
                unpack(self._ray.get(sent.blob), sent.sha256, home)
            self._take_letters()
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
            if self._mailbox is not None:
                self._mailbox.want.remote(order.stage, None)
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

    def _share_first_phase(self, home: Path) -> None:
        """Let trainings with the same first phase have it together."""
        shared, link = (folder / PROGRESS / "first_phase" for folder in (self._root, home))
        make_folder(shared)
        make_folder(link.parent)
        link.unlink(missing_ok=True)
        link.symlink_to(shared)

    def _inputs(self, order: Order) -> list[Any]:
        """What a stage reads, as archives in the object store. Equal files are sent once in a run."""
        from pipeline.cluster import worker

        found: list[Any] = []
        for name in data_of(order):
            files = files_below(self._root / name)
            with self._packing:
                now = signature(files)
                before, sent = self._sent.get(name, (None, []))
                if before != now:
                    sent = worker.put(self._root, files)
                    self._sent[name] = (now, sent)
            found += sent
        return found

    def _take_letters(self) -> None:
        if self._mailbox is None:
            return
        with contextlib.suppress(self._ray.exceptions.RayError, OSError):
            for letter in self._ray.get(self._mailbox.take.remote()):
                self._file(letter)

    def _file(self, letter: Letter) -> None:
        """Keep what a letter brings."""
        token, log = self._logs.get(letter.stage, ("", Path()))
        if token != letter.token:
            return
        if letter.printed:
            with log.open("ab") as stream:
                stream.write(letter.printed)
        home = place_of(self._home, letter.stage, letter.token)
        for one in letter.packs:
            with contextlib.suppress(InputError):
                unpack(one.blob, one.sha256, home)
        for path in progress_files(home) if letter.progress is not None else ():
            if path.relative_to(home).as_posix() not in (letter.progress or ()):
                path.unlink(missing_ok=True)


class _LostError(Exception):
    """An attempt ended without a result."""


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"
