"""`semagic deps`: the code among the dependencies in dvc.yaml."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.base.errors import InputError
from semagic.cli.options import Root


def deps(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit with 1 if a list is stale.")] = False,
    root: Root = Path(),
) -> None:
    """Write the code dependencies in dvc.yaml from the imports.

    A package stands for its files where a stage imports at least a third of them; other files stand alone. Parameters,
    data and outputs are left as they are.
    """
    from pipeline.fanout.dependencies import stale_dependencies, write_dependencies

    stale = stale_dependencies(root)
    if stale and check:
        raise InputError(f"{root / 'dvc.yaml'}: its lists of code are not those of the imports. Run `make deps`.")
    if stale:
        write_dependencies(root)
    print(f"deps: {root / 'dvc.yaml'} {'written' if stale else 'is current'}")
