"""A training step that failed, in one file that is enough to compute it again anywhere."""

import hashlib
from pathlib import Path
from typing import NamedTuple, get_type_hints

import numpy as np
import torch
from jaxtyping import jaxtyped
from torch import Tensor

from pipeline.base.errors import InputError
from pipeline.base.files import named, write_bytes
from pipeline.config.params import Params, parse_params
from pipeline.config.parsing import to_dict
from pipeline.training.dataset import TrainingSet
from pipeline.training.run import TrainingRun
from pipeline.training.schedule import Draw, Draws
from pipeline.training.state_bytes import State, pack_state, unpack_state

LARGEST = 2**29
"""Bound on the size of a file in bytes. At the sizes of the paper it has 200 to 250 MB."""
NO_SHA256 = "0" * 64
"""Stands in the file for its own SHA-256 while that is computed."""


class FailedStep(NamedTuple):
    """Everything that the numbers of one step depend on, beside the code."""

    params: Params
    """The cell's parameters."""
    seed: int
    step: int
    """The step, counted from 0."""
    draws: Draws
    """What the step sees of `data`."""
    data: TrainingSet
    """The images that the step sees."""
    model: dict[str, Tensor]
    """State of the model before the step."""


def describe_step(run: TrainingRun) -> FailedStep:
    """The next step of a training."""
    draws = run.draws()
    seen, places = np.unique(np.concatenate([draw.index for draw in draws]), return_inverse=True)
    ends = np.cumsum([len(draw.index) for draw in draws])
    renumbered = Draws(*(Draw(i, draw.flips) for i, draw in zip(np.split(places, ends[:-1]), draws, strict=True)))
    return FailedStep(run.params, run.seed, run.step, renumbered, run.data.select(seen), run.model.state_dict())


def write_failed_step(path: Path, failed: FailedStep) -> None:
    """Write a step, with its own SHA-256 in it."""
    columns = {name: getattr(failed.data, name) for name in _columns()}
    draws = {
        f"{name}.{part}": torch.from_numpy(value)
        for name, draw in failed.draws._asdict().items()
        for part, value in draw._asdict().items()
    }
    description = {
        "params": to_dict(failed.params),
        "seed": failed.seed,
        "step": failed.step,
        "images": failed.data.names,
        "sha256": NO_SHA256,
    }
    content = pack_state(State({"data": columns, "draws": draws, "model": failed.model}, description))
    write_bytes(path, content.replace(NO_SHA256.encode(), hashlib.sha256(content).hexdigest().encode(), 1))


def read_failed_step(path: Path) -> FailedStep:
    """Read a step; nothing in the file is executed.

    Raises:
        InputError: the file is missing, damaged or something else.
    """
    try:
        with named(path):
            if path.stat().st_size > LARGEST:
                raise ValueError(f"it has more than {LARGEST} bytes")
            content = path.read_bytes()
        tensors, description = unpack_state(content)
        _check_sha256(content, str(description["sha256"]))
        draws = {name: tensor.numpy() for name, tensor in tensors["draws"].items()}
        parts = (Draw(draws[f"{name}.index"], draws[f"{name}.flips"]) for name in Draws._fields)
        data = TrainingSet(tuple(map(str, description["images"])), *(tensors["data"][name] for name in _columns()))
        params = parse_params(description["params"], str(path))
        failed = FailedStep(
            params,
            int(description["seed"]),
            int(description["step"]),
            Draws(*parts),
            data,
            dict(tensors["model"]),
        )
        _check_shapes(failed)
    except FileNotFoundError:
        raise InputError(f"{path}: expected the file of a failed training step, found none.") from None
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path}: expected the file of a failed training step (failed_step.safetensors), found a damaged or "
            f"another one ({error}). Copy it again from the folder of the training's checkpoints."
        ) from error
    return failed


def _columns() -> list[str]:
    return [name for name in get_type_hints(TrainingSet) if name != "names"]


def _check_sha256(content: bytes, expected: str) -> None:
    found = hashlib.sha256(content.replace(expected.encode(), NO_SHA256.encode(), 1)).hexdigest()
    if found != expected:
        raise ValueError(f"its content has the SHA-256 {found} instead of {expected}")


def _check_shapes(failed: FailedStep) -> None:
    """Check that the parts fit together, by the shapes in the annotations of `TrainingSet`."""
    count, hints = len(failed.data.names), get_type_hints(TrainingSet)
    with jaxtyped("context"):
        for name in _columns():
            if not isinstance(getattr(failed.data, name), hints[name]):
                raise ValueError(f"`{name}` has another shape or type")
    if len(failed.data.mask) != count or failed.data.mask.shape[1] != failed.params.training.image_size:
        raise ValueError("the images are of another number or size")
    if not (0 <= failed.seed < 2**63 and 0 <= failed.step < 2**63):
        raise ValueError("seed or step is no number that a training has")
    for index, flips in failed.draws:
        if not (_is(index, np.int64, len(index)) and _is(flips, np.bool_, len(index)) and len(index)):
            raise ValueError("the draws have another shape or type")
        if index.min() < 0 or index.max() >= count:
            raise ValueError("the draws name other images")


def _is(array: np.ndarray, kind: type, length: int) -> bool:
    return array.dtype == kind and array.shape == (length,)
