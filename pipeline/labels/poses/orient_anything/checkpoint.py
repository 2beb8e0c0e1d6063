"""Reading the released checkpoint: a PyTorch file of named tensors, of which the network is a part."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from pipeline.base.errors import InputError, some
from pipeline.config.parsing import parse_section
from pipeline.labels.poses.orient_anything.network import OrientNetwork
from pipeline.labels.poses.orient_anything.size import NetworkSize
from pipeline.pretrained.torch_file import read_tensors

UNUSED = re.compile(r"vggt\.\w+_head\.")
"""Heads of VGGT that the checkpoint carries along."""
SHOWN = 3
"""Keys that an error names."""


def load_network(path: Path) -> OrientNetwork:
    """The network of a checkpoint, float32 and in evaluation mode, on the CPU.

    A `config.json` beside the checkpoint gives the fields of `NetworkSize`; without one it is the released size.

    Raises:
        InputError: the checkpoint is missing or damaged, or is not one of this network.
    """
    remedy = f"Fetch the released checkpoint: `semagic weights {path.parent.parent.name}`."
    size, state = _read_size(path.with_name("config.json")), read_tensors(path, "Orient Anything V2", remedy)
    # Without memory of its own: the parameters are the tensors of the file.
    with torch.device("meta"):
        network = OrientNetwork(size)
    own = network.state_dict()
    _check(path, own, state)
    network.load_state_dict({name: state[name] for name in own}, assign=True)
    return network.float().requires_grad_(False).eval()


def _read_size(path: Path) -> NetworkSize:
    if not path.is_file():
        return NetworkSize()
    try:
        return parse_section(NetworkSize, json.loads(path.read_text(encoding="utf-8")), str(path))
    except InputError:
        raise
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path}: expected the sizes of a network as JSON, found something else ({error}). Mend the file."
        ) from None


def _check(path: Path, own: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> None:
    """Demand the keys of `own` with its shapes and kinds of numbers, and besides them only unused heads."""
    problems = {
        "has not": [name for name in own if name not in state],
        "has the unknown": [name for name in state if name not in own and not UNUSED.match(name)],
        "has in another shape": [
            f"{name} {list(state[name].shape)} instead of {list(own[name].shape)}"
            for name in own
            if name in state and state[name].shape != own[name].shape
        ],
        "has as another kind of number": [
            f"{name} {state[name].dtype}"
            for name in own
            if name in state and state[name].is_floating_point() != own[name].is_floating_point()
        ],
    }
    found = "; ".join(f"{what} {some(names, SHOWN)}" for what, names in problems.items() if names)
    if found:
        raise InputError(
            f"{path}: expected the {len(own)} tensors of Orient Anything V2; this file {found}. Fetch the released "
            "checkpoint, or put the sizes of your own in a config.json beside it."
        )
