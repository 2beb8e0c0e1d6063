"""How an attempt gets what it reads and gives back what it makes, from the side of the head."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from pipeline.cluster.order import Order


class Call(NamedTuple):
    """What Ray executes on a machine for an attempt."""

    function: Any
    arguments: tuple[Any, ...]


@runtime_checkable
class Transport(Protocol):
    """A way between the head and its workers."""

    def opened(self) -> AbstractContextManager[Any]:
        """Be ready for workers while the body runs."""
        ...

    def call(self, order: Order, home: Path, log: Path) -> Call:
        """What a worker has to execute.

        Args:
            home: folder of the attempt at the head, with what the attempt before has left to go on from.
            log: log of the stage.
        """
        ...

    def receive(self, answer: Any, home: Path) -> None:
        """Bring the outputs that a worker has made into the folder of the attempt.

        Raises:
            InputError: what has arrived is damaged.
        """
        ...

    def close(self, order: Order) -> None:
        """Take nothing more from an attempt."""
        ...
