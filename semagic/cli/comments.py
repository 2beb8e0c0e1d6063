"""`semagic comments`: the comments of params.yaml."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.base.errors import InputError
from semagic.cli.options import Root


def comments(
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit with 1 if a comment is stale.")] = False,
    root: Root = Path(),
) -> None:
    """Write the comments of params.yaml from the docstrings.

    The comment of a key is the first line of its docstring in pipeline/config. Values are left as they are.
    """
    from pipeline.config.comments import stale_comments, write_comments

    stale = stale_comments(root)
    if stale and check:
        path = root / "params.yaml"
        raise InputError(f"{path}: its comments are not those of the docstrings. Run `semagic comments`.")
    if stale:
        write_comments(root)
    print(f"comments: {root / 'params.yaml'} {'written' if stale else 'is current'}")
