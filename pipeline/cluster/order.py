"""What is to be done in one attempt at a stage, as the head of a run tells it to a worker."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from pipeline.base.checksums import CHECKSUMS
from pipeline.base.sources import PACKAGES
from pipeline.fanout.work import Work
from pipeline.warm.messages import ADDRESS

SETTINGS = ("params.yaml", "downloads.yaml")
"""Files that stages read from which DVC tracks single values."""
HANDED_ON = ("MLFLOW_", "SEMAGIC_", "HF_", "AWS_", "GOOGLE_", "AZURE_")
"""Beginnings of the names of environment variables that the stages get from the head."""


class Order(NamedTuple):
    """What is to be done in an attempt. All paths are relative to the root of the repository."""

    stage: str
    token: str
    """Tells this attempt from others at the same stage."""
    commands: tuple[str, ...]
    folder: str
    """Working directory of the commands."""
    environment: dict[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    modules: tuple[str, ...] = ()
    """What stages of this run import, which a worker may import once for all of them."""
    releases: tuple[str, ...] = ()
    """Folders of data sets. Their readers follow no link that leads out of them."""


def data_of(order: Order) -> list[str]:
    """What a stage reads besides code. Of a folder and a file in it, the folder."""
    return [
        name
        for name in order.inputs
        if name not in PACKAGES
        and {str(folder) for folder in Path(name).parents}.isdisjoint((*PACKAGES, *order.inputs))
    ]


class Orders:
    """Maker of orders.

    Args:
        root: root of the repository.
        modules: what stages of the run import.
        releases: folders of data sets, as paths in `root`.
        extra: function that returns further files and folders that a stage reads, as paths in `root`.
    """

    def __init__(
        self,
        root: Path,
        modules: tuple[str, ...] = (),
        releases: tuple[str, ...] = (),
        extra: Callable[[tuple[str, ...]], tuple[str, ...]] = lambda inputs: (),
    ) -> None:
        self._root, self._modules, self._releases, self._extra = root, modules, releases, extra

    def make(self, stage: str, token: str, work: Work) -> Order:
        """Make the order for one attempt."""
        inputs, outputs = (tuple(map(self._relative, paths)) for paths in (work.inputs, work.outputs))
        # Whoever reads a file checks it against the list beside it.
        sums = (str(Path(path).with_name(CHECKSUMS)) for path in inputs if (self._root / path).is_file())
        beside = (path for path in dict.fromkeys((*SETTINGS, *sums)) if (self._root / path).is_file())
        extra = (*(path for path in beside if path not in inputs), *self._extra(inputs))
        given = {key: value for key, value in work.environment.items() if key != "DVC_ROOT"}
        return Order(
            stage,
            token,
            work.commands,
            self._relative(work.folder),
            {**_handed_on(), **given},
            (*inputs, *extra),
            outputs,
            self._modules,
            self._releases,
        )

    def _relative(self, path: str) -> str:
        return os.path.relpath(path, self._root)


def _handed_on() -> dict[str, str]:
    """Environment variables of the head that stages get elsewhere."""
    found = {key: value for key, value in os.environ.items() if key.startswith(HANDED_ON) and key != ADDRESS}
    address = found.get("MLFLOW_TRACKING_URI", "")
    if "://" not in address or address.startswith(("sqlite", "file")):
        # A file of runs cannot be written from several machines: `semagic sync` adds them at the head.
        found["SEMAGIC_TRACKING"] = "off"
    return found
