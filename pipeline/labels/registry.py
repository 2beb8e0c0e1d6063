"""Finding a backend by the name that `params.yaml` gives it."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from pipeline.base.errors import InputError, nearest
from pipeline.config.workspace import Workspace

Backend = TypeVar("Backend")


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
