"""`semagic run`: the stages of the pipeline side by side."""

from typing import Annotated

import typer

WAITING = 256
"""Stages that a cluster is given at once, most of which wait for a machine."""


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
    ray: Annotated[
        str | None,
        typer.Option(
            "--ray",
            metavar="ADDRESS",
            envvar="RAY_ADDRESS",
            help="Run on a Ray cluster: auto, HOST:PORT, ray://HOST:PORT.",
        ),
    ] = None,
    scratch: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder of each machine of a cluster that does not share this one.",
            show_default="shared",
        ),
    ] = None,
    autoscaling: Annotated[
        bool, typer.Option("--autoscaling", help="The cluster adds machines that are missing.")
    ] = False,
) -> None:
    """Run the stages of dvc.yaml that are not up to date.

    Several stages run at once; `dvc repro` runs one after another, and leaves the same bytes. After a failure, the
    stages that do not need the failed one still run. The output of each stage is in .dvc/tmp/fanout/<stage>.log.
    docs/cluster.md says how to run them on a cluster.
    """
    names = gpus.split(",") if gpus is not None else []
    if not all(names):
        raise typer.BadParameter(f"expected names of GPUs such as 0,1, found '{gpus}'.", param_hint="--gpus")
    if ray is None and (scratch is not None or autoscaling):
        option = "--scratch" if scratch is not None else "--autoscaling"
        raise typer.BadParameter("is about a cluster, whose address --ray names.", param_hint=option)
    if ray is not None and names:
        raise typer.BadParameter("Ray shares out the GPUs of a cluster: resources in params.yaml.", param_hint="--gpus")
    from pipeline.fanout.gpus import Gpus
    from pipeline.fanout.machine import cores
    from pipeline.fanout.run import on_this_machine, run_stages

    if ray is None:
        done = run_stages(targets or (), jobs or cores(), on_this_machine(Gpus(names)))
    else:
        from pipeline.cluster.opening import on_cluster

        done = run_stages(targets or (), jobs or WAITING, on_cluster(ray, scratch, autoscaling))
    if not done:
        raise typer.Exit(1)
