"""The trained model that a command is about, and the options that commands on photographs share."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.base.errors import InputError

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="A model bundle, a folder of `semagic export`, or a trained cell, e.g. ours-dinov2-car-0."
    ),
]
Weights = Annotated[
    Path | None,
    typer.Option(help="Folder of pretrained networks.", show_default="that of the run; for a bundle weights/"),
]


def model_folder(model: str, root: Path) -> Path:
    """The folder from which `CategoryModel` loads a model.

    Raises:
        InputError: there is neither such a folder nor such a cell.
    """
    path = Path(model)
    for folder in (path / "bundle", path):
        if (folder / "model.json").is_file():
            return folder
    cell = root / "models" / Path(*_cell(model)) if not path.exists() else path
    if (cell / "model.json").is_file():
        return cell
    raise InputError(
        f"{model}: expected a model bundle, a folder of `semagic export` or a trained cell such as ours-dinov2-car-0, "
        f"found none{_trained(root)}. Train one with `semagic run`, or correct the name."
    )


def find_cell(name: str, root: Path) -> tuple[str, str, str, int]:
    """Variant, backbone, category and seed of a trained cell, from its name or its folder.

    Raises:
        InputError: there is no such cell.
    """
    parts = _cell(name)
    if len(parts) == 4 and (root / "models" / Path(*parts) / "model.json").is_file():
        variant, backbone, category, seed = parts
        return variant, backbone, category, int(seed)
    raise InputError(
        f"{name}: expected a trained cell such as ours-dinov2-car-0, found none{_trained(root)}. Train it with "
        "`semagic run`, or correct the name."
    )


def trained_cells(root: Path) -> list[str]:
    """Names of the cells whose models lie in a run."""
    found = (path.parent.relative_to(root / "models").parts for path in (root / "models").glob("*/*/*/*/model.json"))
    return sorted("-".join(parts) for parts in found)


def _cell(name: str) -> tuple[str, ...]:
    """The parts of a cell's name, or of its folder below models/; a category may have hyphens."""
    if "/" in name:
        return Path(name).parts[-4:]
    head, _, seed = name.rpartition("-")
    return (*head.split("-", 2), seed) if seed.isdecimal() else (name,)


def _trained(root: Path) -> str:
    cells = trained_cells(root)
    return f"; trained are {', '.join(cells[:12])}{' ...' if len(cells) > 12 else ''}" if cells else ""
