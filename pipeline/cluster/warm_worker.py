"""The warm process of a Ray worker, in whose forks the stages begin: libraries are imported once in a worker's life."""

import atexit
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from pipeline.warm.client import warm


@cache
def warm_variables(modules: tuple[str, ...], root: str) -> Mapping[str, str]:
    """Environment variables of those who start stages, for which a warm process runs as long as this one does.

    Args:
        modules: what it imports; without any there is no such process.
        root: folder of the code.
    """
    if not modules:
        return {}
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(warm(modules, Path(root)))
