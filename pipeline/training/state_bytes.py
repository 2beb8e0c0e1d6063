"""Named tensors with a description as bytes: safetensors with JSON in it, so that reading them runs no code."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor


class State(NamedTuple):
    """Groups of named tensors, and a description that JSON can hold."""

    tensors: Mapping[str, Mapping[str, Tensor]]
    description: Mapping[str, Any]


def pack_state(state: State) -> bytes:
    """Bytes of a state; equal states give equal bytes. Tensors may be on any device."""
    named = {
        f"{group}.{name}": tensor.detach().cpu().contiguous()
        for group, tensors in state.tensors.items()
        for name, tensor in tensors.items()
    }
    # safetensors writes several entries of metadata in no fixed order.
    return save(named, {"description": json.dumps(state.description, sort_keys=True, allow_nan=False)})


def unpack_state(content: bytes) -> State:
    """Read what `pack_state` made. Tensors are on the CPU, and groups without tensors are missing.

    Raises:
        ValueError: the bytes are something else.
    """
    try:
        loaded = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        description = json.loads(header["__metadata__"]["description"])
    except (SafetensorError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"not named tensors with a description ({error})") from error
    if not isinstance(description, dict):
        raise ValueError("the description is no mapping")
    tensors: dict[str, dict[str, Tensor]] = {}
    for full_name, tensor in loaded.items():
        group, _, name = full_name.partition(".")
        tensors.setdefault(group, {})[name] = tensor
    return State(tensors, description)
