"""`semagic profile`: a named set of parameters, merged into params.yaml."""

from pathlib import Path
from typing import Annotated

import typer

PROFILES = Path("profiles")


def _profiles(incomplete: str) -> list[str]:
    """Names for the completion in a shell."""
    return sorted(path.stem for path in PROFILES.glob(f"{incomplete}*.yaml"))


def _assignments(values: list[str] | None) -> list[str]:
    for value in values or []:
        if "=" not in value:
            raise typer.BadParameter(f"expected KEY=VALUE, for instance training.steps=100; found '{value}'.")
    return values or []


def profile(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A file in profiles/, without .yaml.", autocompletion=_profiles)
    ],
    source: Annotated[Path, typer.Option("--input", help="Parameter file to start from.")] = Path("params.yaml"),
    target: Annotated[
        Path | None, typer.Option("--output", help="Where the result is written.", show_default="the file of --input")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="One more change; may be repeated.", callback=_assignments),
    ] = None,
) -> None:
    """Merge a named set of parameters into params.yaml.

    The set is profiles/NAME.yaml. The projected time of a run from nothing is printed. Comments and the order of the
    keys stay. `git checkout params.yaml` goes back.
    """
    from pipeline.config.profiles import apply_profile
    from pipeline.fanout.machine import cores
    from pipeline.fanout.projection import in_words, project, stage_counts

    target = target or source
    params = apply_profile(name, source, target, assignments or ())
    counts, jobs = stage_counts(params), cores()
    print(f"{target}: parameters of the profile '{name}': {counts['train']} trainings.")
    print(f"Projected time from nothing on {jobs} cores: {in_words(project(counts, params, jobs))}.")
