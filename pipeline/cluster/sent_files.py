"""The way between the head and workers that share no folder with it: archives in Ray's object store, and letters."""

import contextlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.base.errors import InputError
from pipeline.cluster.attempt import place_of, progress_files
from pipeline.cluster.mailbox import Letter, Mailbox
from pipeline.cluster.order import Order, data_of
from pipeline.cluster.packs import files_below, signature, unpack
from pipeline.cluster.transport import Call

POLL = 2.0
"""Seconds between two looks into the mailbox."""


class SentFiles:
    """Transport by Ray alone.

    Args:
        ray: the module, connected to a cluster.
        root: root of the repository.
        home: folder of the attempts at the head.
        scratch: folder of each machine for attempts.
    """

    def __init__(self, ray: Any, root: Path, home: Path, scratch: str) -> None:
        self._ray, self._root, self._home, self._scratch = ray, root, home, scratch
        self._sent: dict[str, tuple[Any, list[Any]]] = {}
        self._packing = threading.Lock()
        self._logs: dict[str, tuple[str, Path]] = {}
        self._wanted: dict[str, str] = {}
        self._wanting = threading.Lock()
        self._mailbox: Any = None

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Take letters in while the body runs."""
        # Where the head is: other machines may leave.
        here = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            self._ray.get_runtime_context().get_node_id(), soft=True
        )
        options = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1, "scheduling_strategy": here}
        self._mailbox = self._ray.remote(Mailbox).options(**options).remote()
        ended = threading.Event()

        def poll() -> None:
            while not ended.wait(POLL):
                self._take_letters()

        thread = threading.Thread(target=poll, name="mailbox", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def call(self, order: Order, home: Path, log: Path) -> Call:
        """Put what the stage reads into the object store, and expect letters."""
        from pipeline.cluster import worker

        self._logs[order.stage] = (order.token, log)
        progress = worker.put(home, progress_files(home))
        arguments = (order, self._scratch, self._inputs(order), progress, self._mailbox)
        self._ray.get(self._want({order.stage: order.token}))
        return Call(worker.work_in_scratch, arguments)

    def receive(self, answer: Any, home: Path) -> None:
        """Unpack what has been sent, and read the last letter."""
        for sent in answer.packs:
            unpack(sent, home, self._ray.get)
        self._take_letters()

    def close(self, order: Order) -> None:
        """Let the worker learn from its next letter that it is not wanted."""
        self._want({order.stage: None})

    def _want(self, changes: Mapping[str, str | None]) -> Any:
        """Tell the mailbox which attempts are wanted from now on."""
        with self._wanting:
            known = {**self._wanted, **changes}
            self._wanted = {stage: token for stage, token in known.items() if token is not None}
            return self._mailbox.want.remote(self._wanted)

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
        with contextlib.suppress(self._ray.exceptions.RayError, OSError):
            # Again and again, as a mailbox that has died is started without what it knew.
            self._want({})
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
                unpack(one, home)
        for path in progress_files(home) if letter.progress is not None else ():
            if path.relative_to(home).as_posix() not in (letter.progress or ()):
                path.unlink(missing_ok=True)
