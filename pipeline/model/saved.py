"""A trained model on disk: weights as safetensors beside a JSON description."""

import json
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save

from pipeline.base.errors import InputError
from pipeline.base.files import write_bytes, write_json
from pipeline.config.params import Model as ModelParams
from pipeline.config.parsing import parse_section, to_dict
from pipeline.model.deformable import DeformableModel, InputSizes, build_model

WEIGHTS, DESCRIPTION = "model.safetensors", "model.json"


def save_model(folder: Path, model: DeformableModel, description: dict[str, Any]) -> None:
    """Write the model; `description` is what a reader should know of its training, without times."""
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    write_bytes(folder / WEIGHTS, save(state))
    architecture = {
        "model": to_dict(model.params),
        "sizes": model.sizes._asdict(),
        "hypotheses": model.pose.hypotheses,
    }
    write_json(folder / DESCRIPTION, {**description, "architecture": architecture})


def load_model(folder: Path) -> DeformableModel:
    """Read a model written by `save_model`, ready for inference.

    Raises:
        InputError: a file is missing, or the two do not belong together.
    """
    for name in (WEIGHTS, DESCRIPTION):
        if not (folder / name).is_file():
            raise InputError(f"{folder / name}: no trained model here. Train it with `dvc repro`.")
    architecture = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))["architecture"]
    params = parse_section(ModelParams, architecture["model"], source=str(folder / DESCRIPTION))
    model = build_model(params, InputSizes(**architecture["sizes"]), architecture["hypotheses"], seed=0)
    model.load_state_dict(load_file(folder / WEIGHTS))
    return model.eval()
