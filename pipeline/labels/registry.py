"""Finding a backend by the name that `params.yaml` gives it."""

from collections.abc import Mapping
from typing import Any

from pipeline.errors import InputError, nearest


def choose(parameter: str, backends: Mapping[str, Any], name: str) -> Any:
    """The entry `name` of `backends`.

    Raises:
        InputError: no such backend; the message names `parameter`, the nearest name and all valid ones.
    """
    if name not in backends:
        raise InputError(f"params.yaml: {parameter} names the unknown backend '{name}'. {nearest(name, backends)}")
    return backends[name]
