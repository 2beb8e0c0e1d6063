"""Each cell has a file with the parameters that it depends on: DVC runs just the cells whose file a change touches."""

from typing import Any

from pipeline.base.files import write_text
from pipeline.base.yaml_text import to_yaml
from pipeline.config.cells import Cell, all_cells, resolve
from pipeline.config.params import Params
from pipeline.config.parsing import to_dict
from pipeline.config.workspace import Workspace

SHARED = (
    "categories",
    "trained",
    "backbones",
    "seeds",
    "variants",
    "fetch",
    "pretrained",
    "bootstrap",
    "reconstruction",
    "tracking",
)
"""Sections that say which cells there are, where things are kept, or what is made of all cells."""


def cell_parameters(params: Params, cell: Cell) -> dict[str, Any]:
    """The fields of `cell` and the parameters that it depends on, as plain nested values."""
    sections = {name: value for name, value in to_dict(resolve(params, cell)).items() if name not in SHARED}
    sections["features"].pop("backbones")
    return {**cell._asdict(), **_plain(sections)}


def write_cell_files(workspace: Workspace) -> list[Cell]:
    """Write the file of each cell that is run, and return the cells. Equal parameters give equal bytes."""
    cells = list(all_cells(workspace.params))
    workspace.cell_files.mkdir(parents=True, exist_ok=True)
    for cell in cells:
        content = cell_parameters(workspace.params, cell)
        write_text(workspace.cell_file(cell), to_yaml(content))
    return cells


def _plain(value: Any) -> Any:
    """The value with lists in place of tuples, which YAML lacks."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
