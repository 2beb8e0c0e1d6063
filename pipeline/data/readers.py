"""The dataset readers by the names that `data.reader` may have."""

from collections.abc import Callable

from pipeline.base.errors import InputError, nearest
from pipeline.config.workspace import Workspace
from pipeline.data import folder, releases
from pipeline.data.reader import DatasetReader

READERS: dict[str, Callable[[Workspace], DatasetReader]] = {
    "releases": releases.make,
    "folder": folder.make,
}
"""Makers of the dataset readers, by the names that `data.reader` may have."""


def make_reader(workspace: Workspace) -> DatasetReader:
    """Make the reader that `data.reader` names.

    Raises:
        InputError: there is no reader of that name, and the message has the nearest one; or its data are missing.
    """
    name = workspace.params.data.reader
    if name not in READERS:
        raise InputError(f"params.yaml: data.reader names the unknown reader '{name}'. {nearest(name, READERS)}")
    return READERS[name](workspace)
