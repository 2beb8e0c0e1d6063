"""The inputs of a training and their hash; checkpoints are continued, and first phases shared, if the hashes are equal.

Some parameters have no effect until the rendered template deforms. Variants that differ in nothing else have the same
first half to the last bit, and only one of them computes it.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import torch

from pipeline.base.sources import source_sha256
from pipeline.config.params import Params
from pipeline.config.parsing import to_dict
from pipeline.training.dataset import TrainingSet

CPU = torch.device("cpu")
TRAINER = "pipeline.training.trainer"
"""The module that computes a training. Its code, and all that it imports, is part of the identity."""
LATE_LOSSES = ("laplacian", "feat_cons", "feature_deformed")
"""Weights that have no effect until the rendered template deforms."""
LATE_DEFORMATION = ("index_embedding", "code_std")
"""Keys of `model.deformation` that have no effect until a frozen template deforms, not even on the initial weights."""


@dataclass(frozen=True)
class TrainingJob:
    """Everything that the trained weights depend on, beside the code."""

    params: Params
    """The cell's parameters (`pipeline.config.cells.resolve`)."""
    data: TrainingSet
    seed: int
    """Seed of the initial weights, the sample order and every draw."""
    device: torch.device = CPU
    """Device that the data is kept on and everything is computed on."""

    def identity(self) -> str:
        """Hash of the parameters, the seed, the data, the kind of device and the code."""
        return self._digest(self._sections())

    def first_phase_identity(self) -> str | None:
        """Hash of everything that the state depends on when deformation begins.

        None where the codes are part of the model from the beginning (`identity: grid`): such a training has no first
        phase to share.
        """
        if self.params.model.deformation.identity != "frozen":
            return None
        sections = self._sections()
        sections["loss"] = _without(sections["loss"], LATE_LOSSES)
        sections["model"]["deformation"] = _without(sections["model"]["deformation"], LATE_DEFORMATION)
        return self._digest(sections)

    def _sections(self) -> dict[str, Any]:
        sections = {name: to_dict(getattr(self.params, name)) for name in ("model", "loss", "training", "pca")}
        # The kind of the device is hashed instead of the name that the parameters give it.
        del sections["training"]["device"]
        return sections

    def _digest(self, sections: dict[str, Any]) -> str:
        data, margin = self.data, self.params.data.crop_margin
        code = source_sha256(TRAINER)
        described = [sections, self.seed, data.names, data.sha256, margin, self.device.type, code]
        return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def _without(section: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in section.items() if name not in names}
