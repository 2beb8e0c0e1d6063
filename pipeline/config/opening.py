"""The workspace in a folder, with the parameters that are in force for a backbone or a cell of it."""

from pathlib import Path

from pipeline.config.cells import Cell, resolve, resolve_features
from pipeline.config.params import load_params
from pipeline.config.workspace import Workspace


def open_workspace(root: Path) -> Workspace:
    """The workspace in `root`, with the parameters of `root`/params.yaml.

    Raises:
        InputError: there is no parameter file, or it is not valid.
    """
    return Workspace(root, load_params(root / "params.yaml"))


def open_backbone(root: Path, backbone: str | None) -> tuple[Workspace, str]:
    """The workspace in `root` with what a backbone changes in the parameters, and the name of the backbone.

    Args:
        backbone: an entry of `features.backbones`; None stands for the first of `backbones`.

    Raises:
        InputError: as `open_workspace`, or the backbone is unknown.
    """
    params = load_params(root / "params.yaml")
    backbone = backbone or params.backbones[0]
    return Workspace(root, resolve_features(params, backbone)), backbone


def open_cell(
    root: Path, variant: str, category: str, backbone: str | None = None, seed: int | None = None
) -> tuple[Workspace, Cell]:
    """The workspace in `root` with the parameters of one cell, and the cell.

    Args:
        variant: an entry of `variants`.
        backbone: as in `open_backbone`.
        seed: None stands for the first of `seeds`.

    Raises:
        InputError: as `open_backbone`, or the variant or the category is unknown.
    """
    params = load_params(root / "params.yaml")
    cell = Cell(variant, backbone or params.backbones[0], category, params.seeds[0] if seed is None else seed)
    return Workspace(root, resolve(params, cell)), cell
