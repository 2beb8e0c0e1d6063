"""A trained category from its bundle, or from its folder and the files of the workspace that it was trained in."""

import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pipeline.base.checksums import checked
from pipeline.base.contents import parsing
from pipeline.base.errors import InputError
from pipeline.confidence.calibration import Calibration, read_calibrations
from pipeline.config.cells import Cell, resolve
from pipeline.config.params import Params, load_params
from pipeline.config.workspace import Workspace
from pipeline.exporting.bundle import is_bundle, open_bundle
from pipeline.labels.components.foreground import Foreground, read_foreground
from pipeline.labels.components.pca import Pca, read_pca
from pipeline.model.deformable import InputSizes
from pipeline.model.saved import DESCRIPTION, load_model
from pipeline.prediction.predictor import Predictor, make_predictor
from pipeline.refinement.observer import Observer


class Trained(NamedTuple):
    """A trained category with all that its predictions depend on."""

    cell: Cell
    workspace: Workspace
    """The workspace with the parameters of the cell; its root is the folder of the parameter file."""
    predictor: Predictor
    pca: Pca
    """Principal components of the category's patch features."""
    foreground: Foreground | None
    """What tells the object from its background; None for a model that was moved without it."""
    calibrations: dict[str, Calibration]
    """What probabilities of matches are computed from, by method; empty for a model that has not been evaluated."""


def load_trained(
    folder: Path,
    params: Path | None = None,
    pca: Path | None = None,
    calibration: Path | None = None,
    weights: Path | None = None,
) -> Trained:
    """Load a model bundle, or the model in a cell's folder models/<variant>/<backbone>/<category>/<seed>.

    Args:
        folder: a bundle has its own parameters, components and calibration, which no argument replaces.
        params: the parameter file; None stands for the nearest params.yaml above `folder`.
        pca: the principal components; None stands for components/<backbone>/<category>/pca.safetensors beside `params`.
            A model whose poses are refined needs the file foreground.safetensors beside it.
        calibration: the calibration of matches; None stands for that of the cell's evaluation beside `params`, if there
            is one.
        weights: folder of pretrained networks. None stands for `pretrained.weights` of the parameters, and for a bundle
            for the folder weights/ of the current folder.

    Raises:
        InputError: a file is missing or damaged, or the files do not belong together.
    """
    if is_bundle(folder):
        if params or pca or calibration:
            raise InputError(
                f"{folder}: it is a model bundle, which has its own parameters, components and calibration; found "
                "others given. Leave them out."
            )
        _, params, pca, calibration = open_bundle(folder)
        weights = weights or Path("weights")
    model = load_model(folder)
    cell = _read_cell(folder / DESCRIPTION)
    params = params or _params_above(folder)
    resolved = resolve(load_params(params), cell)
    if weights:
        resolved = replace(resolved, pretrained=replace(resolved.pretrained, weights=str(weights.resolve())))
    workspace = Workspace(params.parent, resolved)
    path = pca or workspace.pca(cell.backbone, cell.category)
    components = read_pca(path)
    _check_sizes(folder, model.sizes, resolved, components)
    beside = path.with_name(workspace.foreground(cell.backbone, cell.category).name)
    foreground = read_foreground(beside) if resolved.refine.enabled or beside.is_file() else None
    observer = None
    if foreground is not None and resolved.refine.enabled:
        observer = Observer(components, foreground, resolved.refine.gap)
    predictor = make_predictor(model, resolved, observer)
    calibrated = calibration is not None or workspace.calibration(cell).exists()
    calibrations = read_calibrations(calibration or workspace.calibration(cell)) if calibrated else {}
    return Trained(cell, workspace, predictor, components, foreground, calibrations)


def _read_cell(path: Path) -> Cell:
    with parsing(checked(path), "the description of a trained model"):
        description = json.loads(path.read_text(encoding="utf-8"))
    missing = [name for name in Cell._fields if name not in description]
    if missing:
        raise InputError(
            f"{path}: expected the entries {', '.join(Cell._fields)}; {missing[0]} is missing. Train again."
        )
    return Cell(**{name: description[name] for name in Cell._fields})


def _params_above(folder: Path) -> Path:
    for parent in folder.resolve().parents:
        if (parent / "params.yaml").is_file():
            return parent / "params.yaml"
    raise InputError(
        f"{folder}: expected a params.yaml in a folder above, found none. Pass the files that the model was trained "
        "with: CategoryModel.load(folder, params=..., pca=...)."
    )


def _check_sizes(folder: Path, sizes: InputSizes, params: Params, pca: Pca) -> None:
    found = InputSizes(params.features.grid, len(pca.mean), len(pca.components))
    for name, value in sizes._asdict().items():
        if value != getattr(found, name):
            raise InputError(
                f"{folder}: the model was trained on features of the sizes {sizes._asdict()}; the parameters and the "
                f"principal components have {found._asdict()}. Pass the files that it was trained with, or train again."
            )
