"""Trainings that went back to an earlier state, which a reader of their scores should know."""

import json

from pipeline.base.checksums import checked
from pipeline.config.cells import all_cells
from pipeline.config.workspace import Workspace


def setback_notes(workspace: Workspace) -> tuple[str, ...]:
    """A note for each cell of the run whose training went back.

    Raises:
        InputError: the description of a model is damaged.
    """
    notes = []
    for cell in all_cells(workspace.params):
        path = workspace.model(cell) / "model.json"
        setback = json.loads(checked(path).read_text(encoding="utf-8")).get("setback") if path.is_file() else None
        if setback:
            notes.append(
                f"The training {cell.name} went back once: step {setback['step']} failed ({setback['reason']}), and it "
                f"went on from step {setback['back_to']} with half the learning rates."
            )
    return tuple(notes)
