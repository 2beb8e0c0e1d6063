"""`semagic ceiling`: what true shapes and true poses would be worth to a predicted cell."""

from pathlib import Path
from typing import Annotated

import typer

from semagic.cli.options import Root


def _categories(incomplete: str) -> list[str]:
    """Names for the completion in a shell."""
    from pipeline.config.categories import CATEGORIES

    return [name for name in CATEGORIES if name.startswith(incomplete)]


def ceiling(
    variant: Annotated[str, typer.Option(help="An entry of `variants` in params.yaml, e.g. ours.")],
    category: Annotated[str, typer.Option(help="A category of the dataset, e.g. car.", autocompletion=_categories)],
    backbone: Annotated[
        str | None,
        typer.Option(help="An entry of `features.backbones`.", show_default="the first of `backbones`"),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the training.", show_default="the first of `seeds`")] = None,
    root: Root = Path(),
) -> None:
    """Say what true shapes and poses would be worth to a cell.

    The stage `predict` has to have run for the cell. A CAD model takes the template's place, rigid or deformed to the
    shape that each image shows, in the annotated poses and in the predicted ones. Each is scored by projection on the
    evaluated pairs, as PCK in per cent.
    """
    from pipeline.config.opening import open_cell

    workspace, cell = open_cell(root, variant, category, backbone, seed)
    # Only now what is slow to import, so that a mistake is told at once.
    from pipeline.data.cad import cad_path, read_cad
    from pipeline.evaluation.ceiling import ceiling as score
    from pipeline.photographs.lists import read_pairs
    from pipeline.prediction.predictions import read_predictions

    predicted = read_predictions(workspace.predictions(cell)).images
    rotations = {name: prediction.projection.rotation.double().numpy() for name, prediction in predicted.items()}
    instances = workspace.evaluation_instances(category)
    models = read_cad(cad_path(workspace.pascal3d, category))
    listed = read_pairs(workspace.pairs(category))
    print(f"{cell.name}: PCK by projection on {len(listed.pairs)} pairs")
    for poses, rotation in (("annotated", None), ("predicted", rotations)):
        for shape, deformed in (("rigid", False), ("deformed", True)):
            found = score(instances, models, listed, workspace.params, deformed, rotation)
            scores = ", ".join(f"{100 * value:.1f} at {alpha:g}" for alpha, value in found.pck.items())
            print(f"  {poses} poses, {shape} CAD model, {found.pairs} pairs: {scores}")
