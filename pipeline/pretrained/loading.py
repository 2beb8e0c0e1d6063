"""Strict loading of networks of the transformers library from a folder.

What the files claim is checked before memory is taken for it. Nothing in them is run, and no server is asked.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from logging import CRITICAL
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import InputError, some
from pipeline.pretrained.configuration import read_configuration, unsuitable
from pipeline.pretrained.memory import memory_is_short, no_room, placed
from pipeline.pretrained.tensor_header import Holding, damaged, read_holding

if TYPE_CHECKING:
    import torch

ROOM = 4
"""Largest ratio of what a network registers, while it is built and filled, to what its file holds: twice, and as much
again for parameters that are shared or replaced."""


def load_network(folder: Path, classes: Mapping[str, str], device: "torch.device") -> Any:
    """Load a network from `config.json` and `model.safetensors`, in float32, for inference.

    Args:
        folder: folder of both files, named like the model in downloads.yaml. Nothing is read from anywhere else.
        classes: for each valid `model_type` of the configuration, the class of the network in transformers.

    Raises:
        InputError: a file is missing or damaged, the network has another type, its weights do not match its class
            exactly, transformers cannot be imported, or the memory is too small.
    """
    configuration, weights = folder / "config.json", folder / "model.safetensors"
    found = str(read_configuration(folder).get("model_type"))
    if found not in classes:
        raise InputError(
            f"{configuration}: expected a network of type {' or '.join(classes)}, found '{found}'. "
            "Choose another model in params.yaml, or fetch the right one into this folder: "
            f"`semagic weights {folder.name}`."
        )
    holding = read_holding(weights)
    network_class = _network_class(classes[found])
    with _no_larger_than(holding, configuration):
        network, report = _load(network_class, folder)
    for key in ("missing", "unexpected", "mismatched"):
        names = sorted(map(_described, report[f"{key}_keys"]))
        if names:
            raise damaged(weights, f"that {len(names)} of those in its config.json are {key}: {some(names, 3)}")
    return placed(network, device, folder.name)


def _described(weight: str | tuple[str, Any, Any]) -> str:
    """The name of a weight, with its shapes where the file has another one than the network."""
    if isinstance(weight, str):
        return weight
    name, found, expected = weight
    return f"{name} {list(found)} instead of {list(expected)}"


def _network_class(name: str) -> Any:
    # The library reads this when it is imported.
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        import transformers

        return getattr(transformers, name)
    # A torchvision that does not match torch fails with RuntimeError.
    except (ImportError, AttributeError, RuntimeError) as error:
        raise InputError(
            f"transformers' {name} cannot be imported ({error}). Install what the project needs: `pip install -e .`; "
            "if torchvision is there, install it from the same index as torch, or uninstall it."
        ) from error


@contextmanager
def _no_larger_than(holding: Holding, configuration: Path) -> Iterator[None]:
    """Stop the building of a network as soon as it is larger than the file of its weights allows.

    Raises:
        InputError: the configuration describes a network that is not the one whose weights are there.
    """
    from torch.nn.modules.module import register_module_parameter_registration_hook

    tensors, numbers = 0, 0

    def count(module: Any, name: str, parameter: Any) -> None:
        nonlocal tensors, numbers
        tensors, numbers = tensors + 1, numbers + (0 if parameter is None else parameter.numel())
        if tensors > ROOM * holding.tensors or numbers > ROOM * holding.numbers:
            raise unsuitable(
                configuration,
                f"one whose weights are not those of model.safetensors, which holds {holding.tensors} tensors of "
                f"{holding.numbers} numbers",
            )

    hook = register_module_parameter_registration_hook(count)
    try:
        yield
    finally:
        hook.remove()


def _load(network_class: Any, folder: Path) -> tuple[Any, Mapping[str, Any]]:
    """Load a network, and report its missing, unexpected and mismatched weights."""
    import torch
    from transformers.utils import logging

    logging.disable_progress_bar()
    verbosity = logging.get_verbosity()
    # The problems that transformers would warn of are errors here.
    logging.set_verbosity(CRITICAL)
    try:
        return network_class.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            # Weights of another shape are in the report, and refused with the others.
            ignore_mismatched_sizes=True,
            dtype=torch.float32,
        )
    except InputError:
        raise
    # The libraries may raise any exception for an unsuitable configuration.
    except Exception as error:
        if memory_is_short(error):
            raise no_room(folder.name, str(error)) from None
        reason = str(error).split("\n")[0][:300]
        raise unsuitable(
            folder / "config.json",
            f"one of which no network can be made with model.safetensors beside it ({type(error).__name__}: {reason})",
        ) from error
    finally:
        logging.set_verbosity(verbosity)
