"""The Chamfer distances of one cell, and their file: `metrics.json`."""

import json
from dataclasses import dataclass
from pathlib import Path

from pipeline.base.errors import InputError
from pipeline.base.files import write_json
from pipeline.config.parsing import parse_section, to_dict


@dataclass(frozen=True)
class ImageReconstruction:
    """Normalised Chamfer distances x 100 of the mesh predicted for one image."""

    name: str
    cad_index: int
    """1-based index of the annotated CAD model."""
    rigid: float
    """To that model, after an alignment that keeps the scale at which the bounding boxes' diagonals agree."""
    similarity: float
    """To that model, with the scale refined too: the number of Table 2."""
    best: float
    """As `similarity`, to the nearest of the category's CAD models."""
    best_cad_index: int


@dataclass(frozen=True)
class ReconstructionScores:
    """Of one cell, image by image."""

    variant: str
    backbone: str
    category: str
    seed: int
    images: tuple[ImageReconstruction, ...]
    """In the order of their names."""
    without_model: int
    """Evaluated images that have no annotated CAD model."""


def write_reconstruction(folder: Path, scores: ReconstructionScores) -> None:
    """Write `metrics.json` into `folder`."""
    write_json(folder / "metrics.json", to_dict(scores))


def read_reconstruction(folder: Path) -> ReconstructionScores:
    """Read what `write_reconstruction` wrote.

    Raises:
        InputError: there is no such file, or it is damaged.
    """
    path = folder / "metrics.json"
    if not path.is_file():
        raise InputError(f"{path}: expected Chamfer distances, found none. Run the stage `reconstruct`: dvc repro.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: expected JSON, found {error}. Run the stage `reconstruct` again.") from None
    return parse_section(ReconstructionScores, content, str(path))
