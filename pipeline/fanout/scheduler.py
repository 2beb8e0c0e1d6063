"""Running the nodes of a directed acyclic graph, several at once, whatever a node is and wherever it runs."""

import heapq
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from typing import Any, NamedTuple


class Outcome(NamedTuple):
    """What became of every node."""

    codes: dict[str, int]
    """Exit code of each node that ran, in the order in which they ended; 0 is success."""
    skipped: tuple[str, ...]
    """The nodes that did not run because something that they need failed or was skipped."""

    @property
    def failed(self) -> tuple[str, ...]:
        return tuple(node for node, code in self.codes.items() if code != 0)


def run_graph(
    needs: Mapping[str, Sequence[str]],
    run: Callable[[str], int],
    jobs: int,
    *,
    started: Callable[[str], Any] = lambda node: None,
    ended: Callable[[str, int], Any] = lambda node, code: None,
    stop: Callable[[], Any] = lambda: None,
) -> Outcome:
    """Run each node once, after all that it needs have succeeded; a failure leaves the nodes that need it out.

    Args:
        needs: for each node those that it needs, each of them a node too. Among nodes that may start, the first in the
            order of the mapping does; with one job, a mapping in a topological order is followed as it stands.
        run: called with a node on a thread of its own; returns its exit code.
        jobs: how many nodes may run at once, at least 1.
        started, ended: told of each node, on the caller's thread.
        stop: called when an exception, that of Ctrl-C included, ends the run early. It must make the running calls of
            `run` return: they are waited for before the exception goes on.

    Raises:
        graphlib.CycleError: a node needs itself in the end.
    """
    rank = {node: position for position, node in enumerate(needs)}
    sorter = TopologicalSorter(needs)
    sorter.prepare()
    ready: list[tuple[int, str]] = []
    running: dict[Future[int], str] = {}
    codes: dict[str, int] = {}
    with ThreadPoolExecutor(jobs) as pool:
        try:
            while True:
                # Of a failed node the sorter is not told, so that nothing that needs it ever becomes ready.
                for node in sorter.get_ready():
                    heapq.heappush(ready, (rank[node], node))
                while ready and len(running) < jobs:
                    _, node = heapq.heappop(ready)
                    started(node)
                    running[pool.submit(run, node)] = node
                if not running:
                    break
                finished = wait(running, return_when=FIRST_COMPLETED).done
                for future in sorted(finished, key=lambda future: rank[running[future]]):
                    node = running.pop(future)
                    codes[node] = future.result()
                    ended(node, codes[node])
                    if codes[node] == 0:
                        sorter.done(node)
        except BaseException:
            stop()
            raise
    return Outcome(codes, tuple(node for node in needs if node not in codes))
