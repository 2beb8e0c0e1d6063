"""What a training's result depends on, as hashes: checkpoints are continued, and first phases shared, if they agree.

Until deformation begins nothing has an effect that concerns deformation alone. Variants that differ in nothing else
have the same first half to the last bit, and only one of them computes it.
"""

import hashlib
import json
from typing import Any

import torch

from pipeline.base.sources import source_sha256
from pipeline.config.params import Params
from pipeline.config.parsing import to_dict
from pipeline.training.dataset import TrainingSet

CPU = torch.device("cpu")
TRAINER = "pipeline.training.trainer"
"""The module that computes a training; its code, and all that it imports, is part of the identity."""
LATE_LOSSES = ("deformation", "laplacian", "feat_cons", "feature_deformed")
"""Weights that have no effect until deformation begins."""
LATE_DEFORMATION = ("scale", "symmetric", "index_embedding", "code_std")
"""Keys of `model.deformation` that have no effect, on the initial weights either, until then."""


def training_identity(params: Params, data: TrainingSet, seed: int, device: torch.device = CPU) -> str:
    """Hash of everything that the trained weights depend on: parameters, seed, data, kind of device and the code."""
    return _digest(_sections(params), params, data, seed, device)


def first_phase_identity(params: Params, data: TrainingSet, seed: int, device: torch.device = CPU) -> str | None:
    """Hash of everything that the state depends on when deformation begins.

    None where the codes are part of the model from the beginning ('grid'), whose training has no such first phase.
    """
    if params.model.deformation.identity != "frozen":
        return None
    sections = _sections(params)
    sections["loss"] = {name: value for name, value in sections["loss"].items() if name not in LATE_LOSSES}
    deformation = sections["model"]["deformation"]
    sections["model"]["deformation"] = {n: value for n, value in deformation.items() if n not in LATE_DEFORMATION}
    return _digest(sections, params, data, seed, device)


def _sections(params: Params) -> dict[str, Any]:
    sections = {name: to_dict(getattr(params, name)) for name in ("model", "loss", "training", "pca")}
    # What it names is part of the hash.
    del sections["training"]["device"]
    return sections


def _digest(sections: dict[str, Any], params: Params, data: TrainingSet, seed: int, device: torch.device) -> str:
    described = [sections, seed, data.names, data.sha256, params.data.crop_margin, device.type, source_sha256(TRAINER)]
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
