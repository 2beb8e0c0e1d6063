"""Run the stages of dvc.yaml that need it, several at once: `python -m pipeline.fanout [-j N] [target ...]`.

Does what `dvc repro` does one after another; after a failure, the stages that do not need the failed one still run.
Each stage is one `dvc repro --single-item` that waits for DVC's locks; its output is in .dvc/tmp/fanout/<stage>.log.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from dvc.exceptions import DvcException
from tqdm import tqdm

from pipeline.base.errors import InputError, some
from pipeline.config.params import load_params
from pipeline.fanout.gpus import Gpus
from pipeline.fanout.machine import cores
from pipeline.fanout.plan import make_plan
from pipeline.fanout.processes import Processes, tail
from pipeline.fanout.projection import in_words, projected_seconds, stages_to_go
from pipeline.fanout.scheduler import Outcome, run_graph

INTERRUPTED = 130
TAIL_LINES = 20
SHOWN = 12
"""Stages that the summary names."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code: 1 if a stage failed, 130 if it was interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.fanout", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", metavar="target", help="as for `dvc repro`, e.g. train@car; default: all")
    parser.add_argument("-j", "--jobs", type=_positive, metavar="N", help="stages at once (default: one a core)")
    parser.add_argument(
        "--gpus", type=lambda text: text.split(","), default=(), metavar="0,1", help="share these out among the stages"
    )
    options = parser.parse_args(arguments)
    try:
        with _interruptible():
            return _run(options.targets, options.jobs or cores(), Gpus(options.gpus))
    except DvcException as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; run it again to go on.", file=sys.stderr)
        return INTERRUPTED


def stage_command(stage: str) -> list[str]:
    """The command that runs one stage if it is not up to date.

    Without `--wait-for-lock` a stage that has run may not be recorded; without `--single-item` stages that need the
    same one block each other.
    """
    return [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "--single-item", stage]


def _run(targets: Sequence[str], jobs: int, gpus: Gpus) -> int:
    plan = make_plan(targets)
    if not plan.needs:
        print(f"All {plan.current} stages are up to date.")
        return 0
    jobs = min(jobs, len(plan.needs))
    processes = Processes(stage_command, plan.temporary / "fanout", dict(os.environ), gpus=gpus)
    print(f"{plan.current} stages are up to date; {len(plan.needs)} to go, {jobs} at once.")
    _print_projection(plan.needs, jobs)
    with _Progress(len(plan.needs), processes) as progress:
        outcome = run_graph(
            plan.needs, processes.run, jobs, started=progress.started, ended=progress.ended, stop=processes.stop
        )
    print(_summary(outcome))
    return 1 if outcome.failed else 0


def _print_projection(stages: Iterable[str], jobs: int) -> None:
    """Nothing where there are no parameters of this project to project from."""
    try:
        params = load_params()
    except InputError:
        return
    seconds = projected_seconds(stages_to_go(stages, params), params, jobs)
    print(f"Projected time if every stage has to run: {in_words(seconds)}.", flush=True)


class _Progress:
    """A line for each start and end, above a bar if there is a terminal."""

    def __init__(self, total: int, processes: Processes) -> None:
        self._processes = processes
        self._bar = tqdm(total=total, unit="stage", leave=False, disable=None)
        self._total, self._ended = total, 0
        self._since: dict[str, float] = {}

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def started(self, stage: str) -> None:
        self._since[stage] = time.monotonic()
        self._write(f"start   {stage}")

    def ended(self, stage: str, code: int) -> None:
        self._ended += 1
        seconds = tqdm.format_interval(time.monotonic() - self._since.pop(stage))
        if code == 0:
            self._write(f"done    {stage}  {seconds}")
        else:
            log = self._processes.log(stage)
            self._write(f"FAILED  {stage}  {seconds}, exit code {code}. The end of {os.path.relpath(log)}:")
            for line in tail(log, TAIL_LINES):
                tqdm.write(f"    {line}")
        self._bar.update()

    def _write(self, line: str) -> None:
        tqdm.write(f"[{self._ended}/{self._total}] {line}")
        sys.stdout.flush()
        self._bar.set_postfix_str(", ".join(self._since))


def _summary(outcome: Outcome) -> str:
    parts = [f"{len(outcome.codes) - len(outcome.failed)} stages done"]
    if outcome.failed:
        parts.append(f"{len(outcome.failed)} failed: {some(outcome.failed, SHOWN)}")
    if outcome.skipped:
        parts.append(f"{len(outcome.skipped)} skipped, which need a failed one: {some(outcome.skipped, SHOWN)}")
    return "; ".join(parts) + "."


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, found {value}.")
    return value


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let the requests to end do what Ctrl-C does: the stages have process groups of their own and would live on."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    # What the caller ignores, as under nohup, stays ignored.
    numbers = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(main())
