"""Chamfer distances of one cell, and the file that holds them, `metrics.json`."""

import json
from dataclasses import dataclass
from pathlib import Path

from pipeline.base.checksums import checked, write_checksums
from pipeline.base.contents import parsing
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
    """Distance to the annotated model, aligned at the scale at which the diagonals of both bounding boxes are equal."""
    similarity: float
    """Distance to the annotated model, aligned with the scale refined too. Table 2 reports this one."""
    best: float
    """Distance to the nearest CAD model of the category, aligned with the scale refined too."""
    best_cad_index: int
    """1-based index of the nearest CAD model."""


@dataclass(frozen=True)
class ReconstructionScores:
    """Chamfer distances of the images of one cell."""

    variant: str
    backbone: str
    category: str
    seed: int
    images: tuple[ImageReconstruction, ...]
    """Distances of each image, in the order of the image names."""
    without_model: int
    """Number of evaluated images without an annotated CAD model."""


def write_reconstruction(folder: Path, scores: ReconstructionScores) -> None:
    """Write `metrics.json` and its checksum into `folder`."""
    write_json(folder / "metrics.json", to_dict(scores))
    write_checksums(folder)


def read_reconstruction(folder: Path) -> ReconstructionScores:
    """Read `metrics.json` from `folder`.

    Raises:
        InputError: the file is missing or damaged.
    """
    path = folder / "metrics.json"
    if not path.is_file():
        raise InputError(f"{path}: expected Chamfer distances, found none. Run the stage `reconstruct`: dvc repro.")
    with parsing(checked(path), "Chamfer distances as JSON"):
        content = json.loads(path.read_text(encoding="utf-8"))
    return parse_section(ReconstructionScores, content, str(path))
