"""Location and check of the files of a pretrained model. Only `semagic weights` downloads them, never a stage."""

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.base.errors import InputError
from pipeline.base.files import sha256
from pipeline.config.label_params import Depth, Features, Masks, Poses, model_of
from pipeline.config.workspace import Workspace
from pipeline.downloads.pins import find_weights, read_pins
from pipeline.hardware.device import choose_device

if TYPE_CHECKING:
    import torch


def weights_folder(workspace: Workspace, model: str) -> Path:
    """Folder of a pretrained model, after every file has been compared with its hash in downloads.yaml.

    Raises:
        InputError: the model is unknown, or one of its files is missing, differs from its hash, or has no recorded
            hash.
    """
    weights = find_weights(read_pins(workspace.pins), model)
    folder = workspace.weights / model
    remedy = f"`semagic weights {model}` (licence: {weights.licence})"
    # Sizes are compared first, because hashing gigabytes takes seconds.
    for name, pin in weights.files.items():
        path = folder / name
        size = path.stat().st_size if path.is_file() else None
        if size is None or pin.bytes not in (None, size):
            expected = "the weights" if pin.bytes is None else f"{pin.bytes} bytes"
            found = "none" if size is None else f"{size} bytes"
            raise InputError(
                f"{path}: expected {expected} of {weights.title}, found {found}. Fetch them: {remedy}, or choose "
                "another backend in params.yaml."
            )
    for name, pin in weights.files.items():
        if pin.sha256 is None:
            raise InputError(f"{folder / name}: its hash is not in downloads.yaml yet. Record it: {remedy}.")
        found = sha256(folder / name)
        if found != pin.sha256:
            raise InputError(
                f"{folder / name}: expected sha256 {pin.sha256}, found {found}: it is damaged or another one. "
                f"Delete it and fetch it again: {remedy}."
            )
    return folder


def label_device(workspace: Workspace) -> "torch.device":
    """Device on which pretrained networks run, from the parameter `pretrained.device`.

    Raises:
        InputError: the device is unknown or not available.
    """
    return choose_device(workspace.params.pretrained.device, "pretrained.device")


def pinned_weights(workspace: Workspace, section: Masks | Depth | Poses | Features) -> dict[str, str | None]:
    """Pinned hashes, by file name, of the model that a label backend needs. Empty for a backend without a model.

    Args:
        workspace: workspace with downloads.yaml.
        section: section of the parameters that chooses the backend.

    Raises:
        InputError: downloads.yaml does not list the model.
    """
    model = model_of(section)
    if model is None:
        return {}
    return {name: pin.sha256 for name, pin in find_weights(read_pins(workspace.pins), model).files.items()}
