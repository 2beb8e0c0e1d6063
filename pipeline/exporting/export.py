"""Everything of a trained cell that other programs read, in one folder.

| file | content |
|---|---|
| `bundle/` | the model bundle (`pipeline.exporting.bundle`) |
| `template.glb`, `template.obj` | the template in the object frame |
| `instances/<photograph>.glb`, `.obj` | the deformed template of each photograph that the stage `predict` has seen |
| `vertices.parquet` | place and visibility of each vertex in each photograph |
| `keypoints.json` | the template's vertex for each annotated keypoint |
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from pipeline.base.errors import InputError
from pipeline.base.files import make_folder, partial_of, remove_folder, replace_folder, write_atomically, write_json
from pipeline.config.cells import Cell, resolve
from pipeline.config.workspace import Workspace
from pipeline.exporting.bundle import is_bundle, write_bundle
from pipeline.exporting.scenes import Surface, write_glb, write_obj
from pipeline.exporting.template_keypoints import template_keypoints
from pipeline.gallery.points import annotated_keypoints
from pipeline.photographs.lists import read_pairs
from pipeline.photographs.records import Pair
from pipeline.prediction.draw_sheet import identity_colours
from pipeline.prediction.predictions import Prediction, Predictions, read_predictions

FORMATS = ("glb", "obj")


def export_cell(workspace: Workspace, cell: Cell, target: Path, formats: Iterable[str] = FORMATS) -> int:
    """Export a cell, and return the number of its instances. The folder appears when all of it is there.

    Args:
        workspace: with the parameters of the file, not of the cell.
        target: a folder that does not exist, or an earlier export, which is replaced.
        formats: of the meshes, among `FORMATS`.

    Raises:
        InputError: the cell is not trained or has no predictions, a file of it is damaged, or `target` holds
            something else.
    """
    if target.exists() and not is_bundle(target / "bundle") and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target}: expected a new folder or an earlier export, found something else. Name another.")
    resolved = Workspace(workspace.root, resolve(workspace.params, cell))
    predictions = read_predictions(resolved.predictions(cell))
    keypoints = template_keypoints(annotated_keypoints(_pairs(resolved, cell.category)), predictions)
    unfinished = partial_of(target.absolute())
    remove_folder(unfinished)
    for folder in (unfinished / "bundle", unfinished / "instances"):
        make_folder(folder)
    write_bundle(workspace, cell, unfinished / "bundle")
    write_json(unfinished / "keypoints.json", keypoints)
    write_atomically(unfinished / "vertices.parquet", lambda stream: vertex_table(predictions).to_parquet(stream))
    _write_meshes(unfinished, cell, predictions, keypoints, tuple(formats))
    replace_folder(target.absolute(), unfinished)
    return len(predictions.images)


def vertex_table(predictions: Predictions) -> pd.DataFrame:
    """A row for each photograph and each vertex of the template.

    Columns: `image`, `vertex`, `x` and `y` in pixels of the photograph, `visible`, and `object_x`, `object_y`,
    `object_z`, the deformed vertex in the object frame.
    """
    count = len(predictions.template)
    frames = []
    for name in sorted(predictions.images):
        prediction = predictions.images[name]
        columns = {"image": name, "vertex": np.arange(count, dtype=np.int32)}
        columns |= dict(zip("xy", prediction.projection.vertices[:count].numpy().T, strict=True))
        columns |= {"visible": prediction.projection.visible[:count].numpy()}
        axes = ("object_x", "object_y", "object_z")
        frames.append(pd.DataFrame(columns | dict(zip(axes, prediction.deformed.numpy().T, strict=True))))
    return pd.concat(frames, ignore_index=True)


def _pairs(workspace: Workspace, category: str) -> tuple[Pair, ...]:
    """The calibration pairs, or the evaluated ones where there are none."""
    pairs = read_pairs(workspace.calibration_pairs(category)).pairs
    return pairs or read_pairs(workspace.pairs(category)).pairs


def _write_meshes(
    folder: Path, cell: Cell, predictions: Predictions, keypoints: dict[str, int], formats: tuple[str, ...]
) -> None:
    identity = identity_colours(predictions.template).numpy()
    faces = predictions.faces.numpy()
    template = Surface(predictions.template.numpy(), faces, identity, None)
    surfaces: dict[str, tuple[Surface, Prediction | None]] = {"template": (template, None)}
    for name, prediction in sorted(predictions.images.items()):
        surface = Surface(prediction.deformed.numpy(), faces, identity, prediction.albedo.numpy())
        surfaces[f"instances/{name}"] = (surface, prediction)
    for name, (surface, prediction) in tqdm(surfaces.items(), desc=f"export {cell.name}", unit="mesh"):
        if "glb" in formats:
            write_glb(folder / f"{name}.glb", surface, keypoints, notes=_notes(cell, prediction))
        if "obj" in formats:
            write_obj(folder / f"{name}.obj", surface)


def _notes(cell: Cell, prediction: Prediction | None) -> dict[str, object]:
    """What a mesh's file says of itself besides its frame."""
    notes: dict[str, object] = {"cell": cell.name, "category": cell.category}
    if prediction is not None:
        rotation: torch.Tensor = prediction.projection.rotation
        notes["rotation_to_camera"] = rotation.tolist()
    return notes
