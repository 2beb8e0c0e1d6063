"""A tiny network of Orient Anything's kind, and its checkpoint on disk in the released layout."""

import dataclasses
import json
from pathlib import Path

import torch
from torch import Tensor

from pipeline.labels.poses.orient_anything.backend import CHECKPOINT
from pipeline.labels.poses.orient_anything.network import OrientNetwork
from pipeline.labels.poses.orient_anything.size import NetworkSize

TINY = NetworkSize(image=42, patch=14, dim=16, heads=2, hidden=24, encoder_depth=1, depth=2, registers=4)


def random_state(size: NetworkSize = TINY, seed: int = 0, dtype: torch.dtype = torch.float32) -> dict[str, Tensor]:
    """Random values in every entry, so that none can be left out unnoticed; variances are positive."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, value in OrientNetwork(size).state_dict().items():
        if value.dtype == torch.int64:
            state[name] = torch.tensor(7)
        else:
            # Matrices keep the variance of what they multiply.
            scale = value[0].numel() ** -0.5 if value.ndim > 1 and name.endswith("weight") else 0.5
            drawn = scale * torch.randn(value.shape, generator=generator, dtype=dtype)
            state[name] = 0.5 + drawn.abs() if name.endswith("running_var") else drawn
    return state


def write_checkpoint(folder: Path, state: dict[str, Tensor], size: NetworkSize | None = TINY) -> Path:
    """Save `state`, and `size` beside it."""
    path = folder / CHECKPOINT
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, path)
    if size is not None:
        path.with_name("config.json").write_text(json.dumps(dataclasses.asdict(size)))
    return path
