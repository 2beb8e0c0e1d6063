"""`semagic weights`: the weights of the foundation models, downloaded and checked."""

from pathlib import Path
from typing import Annotated

import typer

from semagic.cli.options import Root


def weights(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL",
            help="Entries of `weights` in downloads.yaml.",
            show_default="what the backends in params.yaml need",
        ),
    ] = None,
    only_list: Annotated[bool, typer.Option("--list", help="Show all models with size and licence, and end.")] = False,
    root: Root = Path(),
) -> None:
    """Download the weights of the foundation models.

    Every file is compared with its recorded hash; a file that is there is not downloaded again. The licence of each
    model is printed; some forbid commercial use.
    """
    from pipeline.config.opening import open_workspace
    from pipeline.downloads.pins import read_pins
    from pipeline.downloads.required import required_models
    from pipeline.downloads.weights import describe, fetch_weights

    workspace = open_workspace(root)
    if only_list:
        for name, pinned in read_pins(workspace.pins).weights.items():
            print(describe(name, pinned))
        return
    chosen = models or required_models(workspace.params)
    if not chosen:
        print("weights: the backends in params.yaml need none. Name a model to fetch it; --list shows all.")
    for name in chosen:
        fetch_weights(workspace.pins, name, workspace.weights / name)
