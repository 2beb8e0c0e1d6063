"""Parallel execution of the nodes of a directed acyclic graph, independent of what a node is and where it runs."""

import heapq
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from typing import Any, NamedTuple


class Outcome(NamedTuple):
    """Result of every node of a graph."""

    codes: dict[str, int]
    """Exit code of each node that ran, in the order in which the nodes ended. 0 is success."""
    skipped: tuple[str, ...]
    """Nodes that did not run because a node that they need failed or was skipped."""

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
    """Run each node once, after all nodes that it needs have succeeded. Nodes that need a failed node are skipped.

    Args:
        needs: dependencies of each node, each of them a node too. Among nodes that are ready, the first in the order
            of the mapping starts. With one job, a mapping in a topological order is executed in this order.
        run: function that runs a node, called on a thread of its own, and returns its exit code.
        jobs: maximum number of nodes that run in parallel, at least 1.
        started, ended: callbacks for the start and the end of each node, called on the caller's thread.
        stop: callback for an exception, including KeyboardInterrupt, that ends the run early. It must make the running
            calls of `run` return, because the exception propagates only after them.

    Raises:
        graphlib.CycleError: the dependencies contain a cycle.
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
                # Failed nodes are not reported to the sorter, so that nodes that need them never become ready.
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
