"""A trained model on disk: weights as safetensors beside a JSON description."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from pipeline.base.checksums import checked, write_checksums
from pipeline.base.contents import parsing
from pipeline.base.errors import InputError
from pipeline.base.files import write_bytes, write_json
from pipeline.config.model_params import Model as ModelParams
from pipeline.config.parsing import parse_section, to_dict
from pipeline.model.deformable import DeformableModel, InputSizes, build_model

WEIGHTS, DESCRIPTION = "model.safetensors", "model.json"
PREFIXES = {"sdf.": "changing.distance.correction.", "template_": "frozen."}
"""Beginnings of names in the file of weights, and those of the same tensors in the model; other names are equal."""


def save_model(folder: Path, model: DeformableModel, description: dict[str, Any]) -> None:
    """Write the model and its checksums; `description` is what a reader should know of its training, without times."""
    write_bytes(folder / WEIGHTS, save(_to_file(model.state_dict())))
    architecture = {
        "model": to_dict(model.params),
        "sizes": model.sizes._asdict(),
        "hypotheses": model.pose.hypotheses,
    }
    write_json(folder / DESCRIPTION, {**description, "architecture": architecture})
    write_checksums(folder)


def load_model(folder: Path) -> DeformableModel:
    """Read a model written by `save_model`, ready for inference.

    Raises:
        InputError: a file is missing or damaged, or the two do not belong together.
    """
    for name in (WEIGHTS, DESCRIPTION):
        if not (folder / name).is_file():
            raise InputError(f"{folder / name}: no trained model here. Train it with `dvc repro`.")
    description, weights = checked(folder / DESCRIPTION), checked(folder / WEIGHTS)
    with parsing(description, "the description of a trained model"):
        architecture = json.loads(description.read_text(encoding="utf-8"))["architecture"]
        params = parse_section(ModelParams, architecture["model"], source=str(description))
        model = build_model(params, InputSizes(**architecture["sizes"]), architecture["hypotheses"], seed=0)
    with parsing(weights, f"the weights of the model that {DESCRIPTION} beside it describes"):
        model.load_state_dict(_from_file(load_file(weights)))
        for name, tensor in model.state_dict().items():
            if not tensor.isfinite().all():
                raise ValueError(f"{name} has numbers that are not finite")
    return model.eval()


def _to_file(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under their names in the file, where a template that is not frozen is a mesh without vertices."""
    empty = {
        "template_vertices": torch.zeros(0, 3),
        "template_faces": torch.zeros(0, 3, dtype=torch.int64),
        "template_mirror": torch.zeros(0, dtype=torch.int64),
    }
    names = {model: file for file, model in PREFIXES.items()}
    return empty | {_renamed(name, names): tensor.contiguous() for name, tensor in state.items()}


def _from_file(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The state of a model; the opposite of `_to_file`."""
    frozen = len(tensors.get("template_vertices", ())) > 0
    kept = {name: tensor for name, tensor in tensors.items() if frozen or not name.startswith("template_")}
    return {_renamed(name, PREFIXES): tensor for name, tensor in kept.items()}


def _renamed(name: str, prefixes: dict[str, str]) -> str:
    """The name with its beginning replaced, if `prefixes` has another one for it."""
    for old, new in prefixes.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name
