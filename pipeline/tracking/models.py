"""Trained categories among MLflow's models: each a bundle that `mlflow.pyfunc.load_model` loads."""

import tempfile
import warnings
from pathlib import Path

import pandas as pd

from pipeline.base.checksums import CHECKSUMS
from pipeline.base.files import sha256
from pipeline.config.cells import Cell
from pipeline.config.workspace import Workspace
from pipeline.exporting.bundle import bundle_parts, write_bundle
from pipeline.photographs.lists import read_pairs
from pipeline.tracking.recordings import evaluation
from pipeline.tracking.store import DIGEST, Store

LOADER = "semagic.pyfunc"
"""Module that loads a bundle for MLflow; no pickled code is kept."""
INPUTS = {"a": "string", "b": "string", "x": "double", "y": "double"}
OPTIONAL = {"box_a": "string", "box_b": "string"}
OUTPUTS = {"x": "double", "y": "double", "visible": "boolean", "similarity": "double", "probability": "double"}


def can_be_registered(workspace: Workspace, cell: Cell) -> bool:
    """Whether a cell has been evaluated, and all that its bundle is made of is there."""
    evaluated = (workspace.evaluation(cell) / "metrics.json").is_file()
    return evaluated and all(path.is_file() for path in bundle_parts(workspace, cell))


def register_model(workspace: Workspace, store: Store, cell: Cell) -> bool:
    """Add an evaluated cell to the store's models, and return whether it was not there yet.

    Args:
        workspace: with the parameters of the file, not of the cell.

    Raises:
        InputError: a file of the cell is damaged.
        Exception: whatever MLflow raises.
    """
    recording = evaluation(workspace, cell)
    assert recording is not None, "only evaluated cells are registered"
    with tempfile.TemporaryDirectory() as temporary:
        bundle, saved = Path(temporary) / "bundle", Path(temporary) / "model"
        write_bundle(workspace, cell, bundle)
        digest = sha256(bundle / CHECKSUMS)
        if store.has_model(cell.name, digest):
            return False
        _save(bundle, saved, _example(workspace, cell.category))
        runs = store.find(recording.record.key)
        tags = {name: str(value) for name, value in cell._asdict().items()} | {DIGEST: digest}
        store.add_model(cell.name, runs[0].id if runs else None, tags, saved)
    return True


def _example(workspace: Workspace, category: str) -> pd.DataFrame | None:
    """A row of inputs: the first keypoint of the first evaluated pair, with paths below the folder of the run."""
    pairs = read_pairs(workspace.pairs(category)).pairs
    if not pairs:
        return None
    images = {item.name: item.image for item in workspace.evaluation_instances(category)}
    pair = pairs[0]
    x, y = pair.source_keypoints[0].tolist()
    boxes = [",".join(f"{number:g}" for number in box) for box in (pair.source_box, pair.target_box)]
    row = {"a": images[pair.source], "b": images[pair.target], "x": x, "y": y, "box_a": boxes[0], "box_b": boxes[1]}
    return pd.DataFrame([row])


def _save(bundle: Path, target: Path, example: pd.DataFrame | None) -> None:
    """Write a model of MLflow around a bundle."""
    import mlflow.pyfunc
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema, TensorSpec

    inputs: list[ColSpec | TensorSpec] = [ColSpec(kind, name) for name, kind in INPUTS.items()]
    inputs += [ColSpec(kind, name, required=False) for name, kind in OPTIONAL.items()]
    outputs: list[ColSpec | TensorSpec] = [ColSpec(kind, name) for name, kind in OUTPUTS.items()]
    card = (bundle / "README.md").read_text(encoding="utf-8")
    licence = next(line.partition(": ")[2] for line in card.splitlines() if line.startswith("license: "))
    with warnings.catch_warnings():
        # MLflow misses an example where no keypoint is annotated.
        warnings.simplefilter("ignore")
        mlflow.pyfunc.save_model(
            target,
            loader_module=LOADER,
            data_path=str(bundle),
            signature=ModelSignature(Schema(inputs), Schema(outputs)),
            input_example=example,
            # Stated, as MLflow would load the model to find out.
            pip_requirements=["semagic"],
            metadata={"licence": licence, "loader": "CategoryModel.load(data/bundle) does the same without MLflow"},
        )
