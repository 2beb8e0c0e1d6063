"""Terminal output of a run of many stages: a line for each start and end, a progress bar, and a summary."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from pipeline.base.errors import some
from pipeline.fanout.logs import tail
from pipeline.fanout.scheduler import Outcome

TAIL_LINES = 20
"""Number of lines shown from the end of the log of a failed stage."""
SHOWN = 12
"""Maximum number of stages that the summary names in each list."""


class Progress:
    """Progress output: a line for each start and end, above a progress bar if there is a terminal.

    Args:
        total: number of stages that may run.
        log: function that returns the path of the log of a stage, the end of which is shown after a failure.
    """

    def __init__(self, total: int, log: Callable[[str], Path]) -> None:
        self._log = log
        self._bar = tqdm(total=total, unit="stage", leave=False, disable=None)
        self._total, self._ended = total, 0
        self._since: dict[str, float] = {}

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def started(self, stage: str) -> None:
        """Show that a stage has started."""
        self._since[stage] = time.monotonic()
        self._write(f"start   {stage}")

    def ended(self, stage: str, code: int) -> None:
        """Show that a stage has ended, with the end of its log if it failed."""
        self._ended += 1
        seconds = tqdm.format_interval(time.monotonic() - self._since.pop(stage))
        if code == 0:
            self._write(f"done    {stage}  {seconds}")
        else:
            log = self._log(stage)
            self._write(f"FAILED  {stage}  {seconds}, exit code {code}. The end of {os.path.relpath(log)}:")
            for line in tail(log, TAIL_LINES):
                tqdm.write(f"    {line}")
        self._bar.update()

    def _write(self, line: str) -> None:
        tqdm.write(f"[{self._ended}/{self._total}] {line}")
        sys.stdout.flush()
        self._bar.set_postfix_str(", ".join(self._since))


def summary(outcome: Outcome) -> str:
    """Sentence with the number of finished stages and the names of failed and skipped stages."""
    parts = [f"{len(outcome.codes) - len(outcome.failed)} stages done"]
    if outcome.failed:
        parts.append(f"{len(outcome.failed)} failed: {some(outcome.failed, SHOWN)}")
    if outcome.skipped:
        parts.append(f"{len(outcome.skipped)} skipped, which need a failed one: {some(outcome.skipped, SHOWN)}")
    return "; ".join(parts) + "."
