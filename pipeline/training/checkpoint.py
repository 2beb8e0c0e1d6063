"""Checkpoints of an unfinished training: written whole or not at all, and only read by the run that wrote them."""

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import torch

from pipeline.base.files import write_atomically


class Checkpoint(NamedTuple):
    """Everything that the next step depends on; random draws depend on the step alone."""

    step: int
    """Steps done."""
    model: dict[str, torch.Tensor]
    optimizer: dict[str, Any]
    average: dict[str, torch.Tensor]
    """Averaged weights; empty before averaging begins."""
    curve: list[list[float]]
    """Rows of the loss curve so far."""


def checkpoint_path(folder: Path, identity: str) -> Path:
    """The file for the run whose configuration and data have the hash `identity`."""
    return folder / f"{identity}.pt"


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    write_atomically(path, lambda stream: torch.save(checkpoint._asdict(), stream))


def load_checkpoint(path: Path) -> Checkpoint | None:
    """The checkpoint at `path`, or None where there is none."""
    if not path.is_file():
        return None
    return Checkpoint(**torch.load(path, map_location="cpu", weights_only=True))


def remove_checkpoints(folder: Path) -> None:
    """Forget the unfinished trainings of a category once one has finished."""
    shutil.rmtree(folder, ignore_errors=True)
