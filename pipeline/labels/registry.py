"""Finding a backend by the name that `params.yaml` gives it, and what it reads."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from pipeline.base.errors import InputError, nearest
from pipeline.config.workspace import Workspace
from pipeline.photographs.records import Instance

Backend = TypeVar("Backend")


@runtime_checkable
class ReadsFiles(Protocol):
    """A backend whose labels are made of more files than the photograph and the benchmark's truth beside it."""

    def files(self, instance: Instance) -> Sequence[Path]:
        """The files that the label of an instance is made of."""
        ...


def make_backend(section: str, backends: Mapping[str, Callable[[Workspace], Backend]], workspace: Workspace) -> Backend:
    """Make the backend that a label section of `params.yaml` names.

    Args:
        section: 'masks', 'depth', 'poses' or 'features'.
        backends: the makers of that section's backends, by name.

    Raises:
        InputError: there is no backend of that name; the message has the nearest name and all valid ones.
    """
    name = getattr(workspace.params, section).backend
    if name not in backends:
        raise InputError(
            f"params.yaml: {section}.backend names the unknown backend '{name}'. {nearest(name, backends)}"
        )
    return backends[name](workspace)


def files_of(backend: object, instance: Instance) -> Sequence[Path]:
    """The files that a backend reads for an instance besides the photograph and the truth beside it."""
    return backend.files(instance) if isinstance(backend, ReadsFiles) else ()
