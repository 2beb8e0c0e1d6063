"""Where the files of a pretrained model are; they are fetched by a command of its own, never by a stage."""

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
    """Folder with all files of the model that downloads.yaml lists, each with the hash that is recorded there.

    Raises:
        InputError: there is no such model, one of its files is missing or another one, or it has no recorded hash.
    """
    weights = find_weights(read_pins(workspace.pins), model)
    folder = workspace.weights / model
    remedy = f"`python -m stages.weights {model}` (licence: {weights.licence})"
    # First what is seen at once: to read gigabytes takes seconds.
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
    """The device on which pretrained networks run: `pretrained.device`.

    Raises:
        InputError: there is no such device.
    """
    return choose_device(workspace.params.pretrained.device, "pretrained.device")


def pinned_weights(workspace: Workspace, section: Masks | Depth | Poses | Features) -> dict[str, str | None]:
    """Hash of each file of the model behind the backend of a section of the parameters; none where it needs no model.

    Raises:
        InputError: there is no such model.
    """
    model = model_of(section)
    if model is None:
        return {}
    return {name: pin.sha256 for name, pin in find_weights(read_pins(workspace.pins), model).files.items()}
