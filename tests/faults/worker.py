"""A process that reads mutants one after another, so that a crash, or a hang, costs one of them."""

import contextlib
import os
import shutil
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from tqdm import tqdm

from faults.kinds import CARELESS, KINDS
from faults.mutants import Mutant, Task, make_mutant
from faults.trial import Verdict, judge, watch_files

READERS = {**KINDS, **CARELESS}


def serve(connection: Connection, sources: Path, folder: Path) -> None:
    """Answer tasks until the connection is closed: first when the mutant is made, then with its verdict."""
    monitor = tqdm.__init__
    tqdm.__init__ = lambda self, *arguments, **options: monitor(self, *arguments, **{**options, "disable": True})
    with open(os.devnull, "w") as nothing:  # noqa: PTH123 - a device
        os.dup2(nothing.fileno(), 1)
    sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - for the life of the process
    shutil.rmtree(folder, ignore_errors=True)
    trials = Trials(sources, folder)
    watch_files()
    with contextlib.suppress(EOFError):
        while True:
            task = connection.recv()
            problem = trials.prepare(task)
            connection.send(problem)
            if problem is None:
                connection.send(trials.verdict(task))


class Trials:
    """Trials of mutants in a folder of their own.

    Args:
        sources: folder in which each folder of valid files is made once, whichever process needs it first.
        folder: folder of this process.
    """

    def __init__(self, sources: Path, folder: Path) -> None:
        self._sources, self._folder = sources, folder
        self._whole: dict[str, object] = {}

    def prepare(self, task: Task) -> Verdict | None:
        """Read the whole files and put a mutant among copies of them. A verdict where already the former fails."""
        kind, root = READERS[task.kind], self._root(task)
        try:
            self._copy(task)
            if task.kind not in self._whole:
                self._whole[task.kind] = kind.read(root)
                kind.check(self._whole[task.kind])
                self._copy(task)
        except Exception as error:
            return Verdict("baseline", "", f"{type(error).__name__}: {error}")
        (root / kind.path).write_bytes(self.mutant(task).content)
        kind.prepare(root)
        return None

    def verdict(self, task: Task) -> Verdict:
        """Read the mutant that has been prepared."""
        outcome, detail = judge(READERS[task.kind], self._root(task), self._whole[task.kind])
        return Verdict(outcome, self.mutant(task).operator, detail)

    def mutant(self, task: Task) -> Mutant:
        """The damaged file of a task."""
        kind, other = READERS[task.kind], list(KINDS.values())[task.number % len(KINDS)]
        original, mixed = (self._source(item.name) / item.path for item in (kind, other))
        return make_mutant(task, kind.form, original.read_bytes(), mixed.read_bytes())

    def _root(self, task: Task) -> Path:
        return self._folder / READERS[task.kind].make.__name__

    def _copy(self, task: Task) -> None:
        shutil.rmtree(self._root(task), ignore_errors=True)
        shutil.copytree(self._source(task.kind), self._root(task), symlinks=True)

    def _source(self, name: str) -> Path:
        kind = READERS[name]
        source = self._sources / kind.make.__name__
        if not source.exists():
            unfinished = Path(f"{source}.{os.getpid()}")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            kind.make(unfinished)
            with contextlib.suppress(OSError):
                unfinished.rename(source)
        return source
