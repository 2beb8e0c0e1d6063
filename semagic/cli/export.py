"""`semagic export`: a trained cell as files for others."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.base.errors import InputError, nearest
from semagic.cli.models import find_cell
from semagic.cli.options import Root


def export(
    cell: Annotated[str, typer.Argument(metavar="CELL", help="A trained cell, e.g. ours-dinov2-car-0.")],
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="New folder, or an earlier export.")],
    formats: Annotated[str, typer.Option(metavar="glb,obj", help="Formats of the meshes; '' for none.")] = "glb,obj",
    root: Root = Path(),
) -> None:
    """Write a trained cell as files for others.

    These are the model bundle, meshes and projected vertices. The bundle is all that `CategoryModel.load`, `semagic
    match` and `semagic reconstruct` need. Meshes are in the object frame, vertices in one order throughout; annotated
    keypoints are nodes of the GLB files.
    """
    from pipeline.config.cells import Cell
    from pipeline.config.opening import open_workspace

    found = Cell(*find_cell(cell, root))
    workspace = open_workspace(root)
    from pipeline.exporting.export import FORMATS, export_cell

    chosen = [name for name in formats.split(",") if name]
    for name in chosen:
        if name not in FORMATS:
            raise InputError(f"--formats: unknown format '{name}'. {nearest(name, FORMATS)}")
    count = export_cell(workspace, found, to, chosen)
    print(f"export {found.name}: the bundle and {count} instances -> {to}")
