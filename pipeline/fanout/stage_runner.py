"""One stage from beginning to end: DVC's records, and the commands, which are executed anywhere."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from dvc.exceptions import DvcException

from pipeline.fanout.bookkeeping import Bookkeeper
from pipeline.fanout.logs import note
from pipeline.fanout.work import Work

FAILED = 1
"""Exit code of a stage that fails before or after its commands."""


class StageRunner:
    """Runner of stages, each on a thread of its own.

    Args:
        bookkeeper: DVC's part.
        execute: function that executes the commands of a stage, adds their output to a log, and returns their exit
            code. Its arguments are the name of the stage, its work and the path of the log.
        logs: folder of the log files, which is created if it does not exist.
    """

    def __init__(self, bookkeeper: Bookkeeper, execute: Callable[[str, Work, Path], int], logs: Path) -> None:
        self._bookkeeper, self._execute, self._logs = bookkeeper, execute, logs
        logs.mkdir(parents=True, exist_ok=True)

    def log(self, name: str) -> Path:
        """Path of the log of a stage. Slashes in names, as of stages in other folders, are quoted."""
        return self._logs / f"{quote(name, safe='@')}.log"

    def run(self, name: str) -> int:
        """Bring a stage up to date, after everything that it needs, and return its exit code."""
        log = self.log(name)
        log.write_bytes(b"")
        try:
            return self._run(name, log)
        except (DvcException, OSError) as error:
            note(log, f"ERROR: {error}")
            return FAILED

    def _run(self, name: str, log: Path) -> int:
        work = self._bookkeeper.begin(name)
        note(log, work.how)
        if not work.commands:
            return 0
        code = FAILED
        try:
            code = self._execute(name, work, log)
        finally:
            if code:
                self._bookkeeper.give_up(name)
        if code == 0:
            self._bookkeeper.finish(name)
        return code
