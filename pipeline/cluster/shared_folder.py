"""The way between the head and workers that see the repository under the same path."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.base.files import make_folder
from pipeline.cluster.attempt import PROGRESS
from pipeline.cluster.order import Order
from pipeline.cluster.transport import Call


class SharedFolder:
    """Transport by a file system that all machines share.

    Args:
        root: root of the repository.
        home: folder of the attempts, in the repository.
    """

    def __init__(self, root: Path, home: Path) -> None:
        self._root, self._home = root, home

    @contextmanager
    def opened(self) -> Iterator[None]:
        """There is nothing to prepare."""
        yield

    def call(self, order: Order, home: Path, log: Path) -> Call:
        """Name the folders, in which everything is."""
        from pipeline.cluster import worker

        self._share_first_phase(home)
        return Call(worker.work_in_shared_folder, (order, str(self._root), str(self._home), str(log)))

    def receive(self, answer: Any, home: Path) -> None:
        """The outputs are there."""

    def close(self, order: Order) -> None:
        """The worker sees that its folder is gone."""

    def _share_first_phase(self, home: Path) -> None:
        """Let trainings with the same first phase have it together."""
        shared, link = (folder / PROGRESS / "first_phase" for folder in (self._root, home))
        make_folder(shared)
        make_folder(link.parent)
        link.unlink(missing_ok=True)
        link.symlink_to(shared)
