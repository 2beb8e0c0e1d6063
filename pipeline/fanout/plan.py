"""Plan of a run, obtained from DVC: the stages that have to run, and their order."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import networkx as nx
from dvc.dvcfile import PROJECT_FILE
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.stage import Stage

from pipeline.fanout.dvc_files import keep_lock, remove_torn_users, restore_lock

Node = TypeVar("Node", bound=Hashable)


class Plan(NamedTuple):
    """Stages that may have to run, with their dependencies."""

    needs: dict[str, tuple[str, ...]]
    """Dependencies of each stage that may have to run, restricted to such stages, in a topological order."""
    current: int
    """Number of stages that are up to date together with everything upstream."""
    repo: Repo
    """DVC's repository. It is closed, and opens what it needs by itself."""
    stages: dict[str, Stage]
    """Stages of `needs` by their names."""


def make_plan(targets: Sequence[str] = ()) -> Plan:
    """Make the plan for `targets` and everything that they need.

    What a kill has left of DVC's own files is mended first.

    Args:
        targets: names as for `dvc repro`; by default every stage of dvc.yaml.

    Raises:
        dvc.exceptions.DvcException: there is no repository, dvc.yaml is invalid, a target is unknown, or another DVC
            process holds the lock.
    """
    while True:
        with Repo() as repo, repo.lock:
            remove_torn_users(repo)
            try:
                plan = _plan(repo, targets)
            except DvcException as error:
                # Each turn takes away one damaged file, of which there are two at most.
                restore_lock(repo, error)
            else:
                keep_lock(repo)
                return plan


def _plan(repo: Repo, targets: Sequence[str]) -> Plan:
    stages = [stage for target in targets or [PROJECT_FILE] for stage in repo.stage.collect(target)]
    graph = repo.index.graph.copy()
    # As in `dvc repro`, the dependencies of a frozen stage are ignored.
    graph.remove_edges_from([edge for stage in graph if stage.frozen for edge in graph.out_edges(stage)])
    needs = needed_stages(graph, stages)
    stale = stale_stages(needs, lambda stage: stage.changed())
    names = {stage.addressing: tuple(other.addressing for other in stale[stage]) for stage in stale}
    return Plan(names, len(needs) - len(stale), repo, {stage.addressing: stage for stage in stale})


def needed_stages(graph: nx.DiGraph, targets: Sequence[Node]) -> dict[Node, tuple[Node, ...]]:
    """Dependencies of the targets and of everything that they need, in a topological order.

    The order is depth-first, so that one category is trained while the next is labelled.

    Args:
        graph: dependency graph, in which an edge u -> v means that u needs v.
        targets: nodes to start from.
    """
    wanted = set(targets)
    # The search starts only from targets that no other target needs; other starts would break the depth-first order.
    inner = {node for target in wanted for node in nx.descendants(graph, target)}
    outer = [target for target in dict.fromkeys(targets) if target not in inner]
    order = dict.fromkeys(node for target in outer for node in nx.dfs_postorder_nodes(graph, target))
    return {node: tuple(graph.successors(node)) for node in order}


def stale_stages(needs: Mapping[Node, Sequence[Node]], changed: Callable[[Node], bool]) -> dict[Node, tuple[Node, ...]]:
    """Part of `needs` that may have to run: changed stages, and all stages that depend on them.

    Args:
        needs: dependencies of each stage, in a topological order.
        changed: function that says whether a stage has to run. It is called only for stages whose upstream is up to
            date; for other stages the answer may change once the upstream stages have run.
    """
    stale: dict[Node, tuple[Node, ...]] = {}
    for node, others in needs.items():
        upstream = tuple(other for other in others if other in stale)
        if upstream or changed(node):
            stale[node] = upstream
    return stale
