"""Where the files of a pretrained network are."""

from pathlib import Path

from pipeline.errors import InputError
from pipeline.layout import Layout


def weights_folder(layout: Layout, model: str) -> Path:
    """The folder that holds the files of `model`.

    Raises:
        InputError: it is not there.
    """
    folder = layout.root / layout.params.pretrained.weights / model
    if not folder.is_dir():
        raise InputError(
            f"{folder}: expected the files of '{model}', found no such folder. "
            f"Fetch them: `python -m stages.weights {model}`."
        )
    return folder
