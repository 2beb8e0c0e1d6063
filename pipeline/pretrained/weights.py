"""Where the files of a pretrained model are; they are fetched by a command of its own, never by a stage."""

from pathlib import Path
from typing import Any

from pipeline.downloads.pins import find_weights, read_pins
from pipeline.errors import InputError
from pipeline.layout import Layout


def weights_folder(layout: Layout, model: str) -> Path:
    """Folder with all files of the model that downloads.yaml lists.

    Only presence and sizes are compared here; `python -m stages.weights` and `python -m stages.verify` compare hashes.

    Raises:
        InputError: there is no such model, or one of its files is missing or incomplete.
    """
    weights = find_weights(read_pins(layout.pins), model)
    folder = layout.weights / model
    for name, pin in weights.files.items():
        path = folder / name
        size = path.stat().st_size if path.is_file() else None
        if size is None or pin.bytes not in (None, size):
            expected = "the weights" if pin.bytes is None else f"{pin.bytes} bytes"
            found = "none" if size is None else f"{size} bytes"
            raise InputError(
                f"{path}: expected {expected} of {weights.title}, found {found}. Fetch them: "
                f"python -m stages.weights {model} (licence: {weights.licence}), or choose another backend in "
                "params.yaml."
            )
    return folder


def pinned_weights(layout: Layout, section: Any) -> dict[str, str | None]:
    """Hash of each file of the model behind the backend of a section of the parameters; none where it needs no model.

    Raises:
        InputError: there is no such model.
    """
    settings = getattr(section, section.backend, None)
    if not hasattr(settings, "model"):
        return {}
    return {name: pin.sha256 for name, pin in find_weights(read_pins(layout.pins), settings.model).files.items()}
