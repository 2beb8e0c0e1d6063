"""Which stages have to run, and in which order: the part of the fan-out that asks DVC."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import networkx as nx
from dvc.dvcfile import PROJECT_FILE
from dvc.repo import Repo

Node = TypeVar("Node", bound=Hashable)


class Plan(NamedTuple):
    """The stages that may have to run."""

    needs: dict[str, tuple[str, ...]]
    """For each stage those that it needs and that may have to run too, in a topological order."""
    current: int
    """Number of stages that are up to date, and everything upstream of them."""
    temporary: Path
    """DVC's folder for temporary files, which git and DVC ignore."""


def make_plan(targets: Sequence[str] = ()) -> Plan:
    """The plan for `targets`, named as for `dvc repro`, and what they need; by default for every stage of dvc.yaml.

    Raises:
        dvc.exceptions.DvcException: there is no repository, dvc.yaml is not valid, a target is unknown, or another
            DVC is at work.
    """
    with Repo() as repo, repo.lock:
        stages = [stage for target in targets or [PROJECT_FILE] for stage in repo.stage.collect(target)]
        graph = repo.index.graph.copy()
        # As in `dvc repro`, a frozen stage does not ask for what it needs.
        graph.remove_edges_from([edge for stage in graph if stage.frozen for edge in graph.out_edges(stage)])
        needs = needed_stages(graph, stages)
        stale = stale_stages(needs, lambda stage: stage.changed())
        names = {stage.addressing: tuple(other.addressing for other in stale[stage]) for stage in stale}
        return Plan(names, len(needs) - len(stale), Path(repo.tmp_dir))


def needed_stages(graph: nx.DiGraph, targets: Sequence[Node]) -> dict[Node, tuple[Node, ...]]:
    """The targets and all that they need, each with what it needs, in a topological order.

    The order is depth first, so that one category is trained while the next is labelled.

    Args:
        graph: an edge u -> v says that u needs v.
    """
    wanted = set(targets)
    # From a target that another one needs the search would start too early.
    inner = {node for target in wanted for node in nx.descendants(graph, target)}
    outer = [target for target in dict.fromkeys(targets) if target not in inner]
    order = dict.fromkeys(node for target in outer for node in nx.dfs_postorder_nodes(graph, target))
    return {node: tuple(graph.successors(node)) for node in order}


def stale_stages(needs: Mapping[Node, Sequence[Node]], changed: Callable[[Node], bool]) -> dict[Node, tuple[Node, ...]]:
    """The part of `needs` that may have to run: what has changed, and what needs, over any distance, such a stage.

    Args:
        needs: in a topological order.
        changed: whether a stage has to run as things are; asked only where everything upstream is up to date, because
            elsewhere the answer may be another one once that has run.
    """
    stale: dict[Node, tuple[Node, ...]] = {}
    for node, others in needs.items():
        upstream = tuple(other for other in others if other in stale)
        if upstream or changed(node):
            stale[node] = upstream
    return stale
