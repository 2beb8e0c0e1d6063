"""What a cell costs besides its work: on a cluster of processes on one machine, and at the head of a run.

`PYTHONPATH=tests python -m cluster.overhead` runs cells that take no time one after another, on one worker, with a
shared folder and with --scratch, and prints the medians of the parts: from the head's order to the beginning of the
command, from its end to the outputs at the head, and DVC's part. `--head 1000 3000` instead lets cells end at once, as
if there were workers without number, and prints how many of them the head can take a second.
"""

import argparse
import contextlib
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from cluster.machines import Machines
from cluster.scaling import make_repository
from pipeline.cluster.opening import on_cluster
from pipeline.fanout.plan import Plan
from pipeline.fanout.run import Executor, Opening, run_stages
from pipeline.fanout.work import Work

JOBS = 256
"""Cells that the head has in hand at once."""


class Times(NamedTuple):
    """Times of one cell [seconds since the epoch]."""

    ordered: float
    began: float
    ended: float
    returned: float


class Recording:
    """An executor that keeps the times of what another one executes, from the outputs that say them."""

    def __init__(self, executor: Executor, times: list[Times]) -> None:
        self._executor, self._times, self.places = executor, times, executor.places

    def execute(self, name: str, work: Work, log: Path) -> int:
        """Execute a cell."""
        ordered = time.time()
        code = self._executor.execute(name, work, log)
        returned = time.time()
        began, ended = map(float, Path(work.outputs[0]).read_text().split())
        self._times.append(Times(ordered, began, ended, returned))
        return code

    def stop(self) -> None:
        """End what runs."""
        self._executor.stop()


class Instant:
    """An executor whose cells end at once."""

    places: int | None = None

    def __init__(self) -> None:
        self.first: float | None = None
        self._lock = threading.Lock()

    def execute(self, name: str, work: Work, log: Path) -> int:
        """Write the outputs of a cell."""
        with self._lock:
            self.first = self.first or time.monotonic()
        for output in work.outputs:
            Path(output).write_text(f"{name}\n")
        return 0

    def stop(self) -> None:
        """There is nothing to end."""


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=30)
    parser.add_argument("--head", type=int, nargs="*", default=[], metavar="CELLS")
    chosen = parser.parse_args()
    for cells in chosen.head:
        print(head_in_words(cells), flush=True)
    if not chosen.head:
        with Machines(1) as machines, tempfile.TemporaryDirectory() as scratch:
            for kind, folder in (("shared folder", None), ("--scratch", scratch)):
                parts = parts_in_words(on_cluster(machines.address, folder, False), chosen.cells)
                print(f"{kind}: {parts}", flush=True)


def parts_in_words(opening: Opening, cells: int) -> str:
    """Run cells one after another, and say what their parts take."""
    times: list[Times] = []

    @contextmanager
    def recorded(plan: Plan) -> Iterator[Recording]:
        with opening(plan) as executor:
            yield Recording(executor, times)

    run(cells, recorded, 1)
    # The first cell starts the worker.
    later = times[1:]
    before = statistics.median(one.began - one.ordered for one in later)
    after = statistics.median(one.returned - one.ended for one in later)
    between = statistics.median(b.ordered - a.returned for a, b in pairwise(later))
    return (
        f"first cell {times[0].began - times[0].ordered:.2f} s to its beginning; then {before:.3f} s, hand-back "
        f"{after:.3f} s, DVC {between:.3f} s"
    )


def head_in_words(cells: int) -> str:
    """Run cells that take no time, and say how the head copes."""
    instant = Instant()

    @contextmanager
    def opened(plan: Plan) -> Iterator[Instant]:
        yield instant

    began = time.monotonic()
    run(cells, opened, JOBS)
    ended = time.monotonic()
    assert instant.first is not None
    rate = cells / (ended - instant.first)
    return f"{cells} cells: {instant.first - began:.1f} s before the first, then {rate:.1f} a second"


def run(cells: int, opening: Opening, jobs: int) -> None:
    """Run a repository with cells that write the times of their beginning and their end."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), Path("run.log").open("w") as log:
        make_repository(Path(folder), cells, "date +%s.%N > out.${item.cell} && date +%s.%N >> out.${item.cell}")
        with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
            done = run_stages((), jobs, opening)
        if not done:
            raise SystemExit(Path("run.log").read_text())


if __name__ == "__main__":
    main()
