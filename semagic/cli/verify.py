"""`semagic verify`: every file against its recorded hash."""

from pathlib import Path

import typer

from semagic.cli.options import Root


def verify(root: Root = Path()) -> None:
    """Compare every file with its recorded hash.

    Inputs and outputs of stages, DVC's cache, archives and weights are read, as far as they are there. Each damaged
    file is named with its remedy, and the exit code is then 1. Nothing is changed.
    """
    from pipeline.config.opening import open_workspace
    from pipeline.verification.report import in_lines
    from pipeline.verification.verify import verify as verified

    workspace = open_workspace(root)
    report = verified(workspace)
    print("\n".join(in_lines(report, workspace.root)))
    if report.findings.damaged:
        raise typer.Exit(1)
