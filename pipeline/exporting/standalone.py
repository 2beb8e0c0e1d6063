"""The parameters of one cell as a parameter file of its own, without the paths of the machine that it comes from."""

from typing import Any

from pipeline.config.cells import Cell, resolve
from pipeline.config.params import Params
from pipeline.config.parsing import merged, to_dict

PATHS: dict[str, dict[str, str]] = {
    "data": {"folder": "photographs", "pascal3d": "PASCAL3D+_release1.1", "spair": "SPair-71k"},
    "fetch": {"downloads": "downloads"},
    "simulation": {"cad_dir": ""},
    "pretrained": {"weights": "weights"},
}
"""What stands in the place of paths, which may lead through anybody's home."""


def standalone_parameters(params: Params, cell: Cell) -> dict[str, Any]:
    """The parameters of a cell, such that the cell is the only one of their file and its variant changes nothing.

    Raises:
        InputError: the variant, the backbone or the category is unknown.
    """
    content = merged(to_dict(resolve(params, cell)), PATHS)
    content["data"] |= {"generate": [], "fetch": []}
    content["features"]["backbones"] = {cell.backbone: {}}
    content["reconstruction"]["variants"] = []
    content["gallery"]["rows"] = [cell.variant]
    return content | {
        "categories": [cell.category],
        "trained": [cell.variant],
        "backbones": [cell.backbone],
        "seeds": [cell.seed],
        "variants": {cell.variant: {}},
    }
