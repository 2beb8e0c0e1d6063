"""`semagic run`: the stages of the pipeline side by side."""

from typing import Annotated

import typer


def run(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TARGET", help="Stages as for `dvc repro`, e.g. train or masks@car.", show_default="all stages"
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", min=1, metavar="N", help="Stages at once.", show_default="one for each core"),
    ] = None,
    gpus: Annotated[
        str | None,
        typer.Option(metavar="0,1", help="GPUs to share out among the stages.", show_default="what each stage finds"),
    ] = None,
) -> None:
    """Run the stages of dvc.yaml that are not up to date.

    Several stages run at once; `dvc repro` runs one after another, and leaves the same bytes. After a failure, the
    stages that do not need the failed one still run. The output of each stage is in .dvc/tmp/fanout/<stage>.log.
    """
    names = gpus.split(",") if gpus is not None else []
    if not all(names):
        raise typer.BadParameter(f"expected names of GPUs such as 0,1, found '{gpus}'.", param_hint="--gpus")
    from pipeline.fanout.gpus import Gpus
    from pipeline.fanout.machine import cores
    from pipeline.fanout.run import run_stages

    if not run_stages(targets or (), jobs or cores(), Gpus(names)):
        raise typer.Exit(1)
