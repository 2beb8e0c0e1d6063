"""`semagic show`: the pages of a run, in the browser."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.base.errors import InputError, nearest
from semagic.cli.options import Root


def show(
    category: Annotated[
        str | None, typer.Argument(help="Category whose page is opened; none for the overview.")
    ] = None,
    root: Root = Path(),
) -> None:
    """Open the pages of the last run in the browser.

    The overview shows both tables, the claims and the curves, and leads to a page for each category on which points are
    clicked. The pages are files; no server and no network is needed.
    """
    import webbrowser

    from pipeline.config.opening import open_workspace

    workspace = open_workspace(root)
    if category is not None and category not in workspace.params.categories:
        raise InputError(f"no category '{category}' in this run. {nearest(category, workspace.params.categories)}")
    page = workspace.overview if category is None else workspace.page(category)
    if not page.is_file():
        raise InputError(f"{page}: expected the page, found none. Run `make repro`, or `semagic run gallery overview`.")
    address = page.resolve().as_uri()
    print(f"show: {address}")
    webbrowser.open(address)
