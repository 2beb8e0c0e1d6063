"""Strict loading of networks of the transformers library from a folder."""

import json
from collections.abc import Mapping
from logging import CRITICAL
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import InputError

if TYPE_CHECKING:
    import torch


def load_network(folder: Path, classes: Mapping[str, str], device: "torch.device") -> Any:
    """Load a network from `config.json` and `model.safetensors`, in float32, for inference.

    Args:
        folder: folder of both files, named like the model in downloads.yaml. Nothing is read from anywhere else.
        classes: for each valid `model_type` of the configuration, the class of the network in transformers.

    Raises:
        InputError: a file is missing or damaged, the network has another type, its weights do not match its class
            exactly, or transformers cannot be imported.
    """
    configuration = _configuration(folder)
    found = str(configuration.get("model_type"))
    if found not in classes:
        raise InputError(
            f"{folder / 'config.json'}: expected a network of type {' or '.join(classes)}, found '{found}'. "
            "Choose another model in params.yaml, or fetch the right one into this folder: "
            f"`semagic weights {folder.name}`."
        )
    network, report = _load(_network_class(classes[found]), folder)
    for key in ("missing", "unexpected", "mismatched"):
        names = sorted(map(str, report[f"{key}_keys"]))
        if names:
            raise _unusable(folder, f"{len(names)} weights are {key}, '{names[0]}' among them")
    return network.to(device).eval().requires_grad_(False)


def _configuration(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        raise _unusable(folder, "there is no config.json")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _unusable(folder, f"config.json is damaged ({error})") from error
    if not isinstance(content, dict):
        raise _unusable(folder, "config.json is damaged (not a mapping)")
    return content


def _network_class(name: str) -> Any:
    try:
        import transformers

        return getattr(transformers, name)
    # A torchvision that does not match torch fails with RuntimeError.
    except (ImportError, AttributeError, RuntimeError) as error:
        raise InputError(
            f"transformers' {name} cannot be imported ({error}). Install what the project needs: `pip install -e .`; "
            "if torchvision is there, install it from the same index as torch, or uninstall it."
        ) from error


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
            folder, local_files_only=True, use_safetensors=True, output_loading_info=True, dtype=torch.float32
        )
    # The libraries may raise any exception for a damaged or unsuitable file.
    except Exception as error:
        raise _unusable(folder, f"its files cannot be loaded ({error})") from error
    finally:
        logging.set_verbosity(verbosity)


def _unusable(folder: Path, reason: str) -> InputError:
    return InputError(
        f"{folder}: expected a complete network in config.json and model.safetensors, but {reason}. "
        f"Fetch it again: `semagic weights {folder.name}`."
    )
