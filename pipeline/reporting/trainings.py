"""What a reader of scores should know of the trainings behind them: returns to an earlier state, kinds of machines."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from pipeline.base.checksums import checked
from pipeline.config.cells import all_cells
from pipeline.config.workspace import Workspace

NAMED = 3
"""Number of trainings on one kind of machine up to which they are named."""


class Trainings(NamedTuple):
    """Sentences about the trainings of a run."""

    setbacks: tuple[str, ...] = ()
    """A note for each training that went back."""
    machines: str = ""
    """Names the kinds of machines; empty where all trainings were computed on one kind."""


def read_trainings(workspace: Workspace) -> Trainings:
    """Read the descriptions of the models of a run.

    Raises:
        InputError: a description is damaged.
    """
    described = {}
    for cell in all_cells(workspace.params):
        path = workspace.model(cell) / "model.json"
        if path.is_file():
            described[cell.name] = json.loads(checked(path).read_text(encoding="utf-8"))
    return Trainings(_setbacks(described), _machines(described))


def _setbacks(described: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(
        f"The training {name} went back once: step {setback['step']} failed ({setback['reason']}), and it went on from "
        f"step {setback['back_to']} with half the learning rates."
        for name, one in described.items()
        if (setback := one.get("setback"))
    )


def _machines(described: Mapping[str, Mapping[str, Any]]) -> str:
    by_kind: dict[str, list[str]] = {}
    for name, one in described.items():
        by_kind.setdefault(", then ".join(one.get("machines") or ["unknown"]), []).append(name)
    if len(by_kind) < 2:
        return ""
    kinds = "; ".join(f"{kind} ({_counted(names)})" for kind, names in sorted(by_kind.items()))
    return f"Trained on machines of different kinds, between which the same training differs a little: {kinds}."


def _counted(names: list[str]) -> str:
    return ", ".join(names) if len(names) <= NAMED else f"{len(names)} trainings"
