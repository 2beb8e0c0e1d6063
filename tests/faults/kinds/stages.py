"""Whole stages that read a damaged file: one photograph of a label stage, and what DVC recorded of a pipeline."""

import os
from pathlib import Path
from typing import Any

from faults.kind import Kind, Skipped
from faults.kinds.photographs import folder, workspace_of_folder
from pipeline.data.paper_rules import select
from pipeline.data.selection import write_selection

PIPELINE = """stages:
  data: {cmd: mkdir -p data && cp seed data/one && cp params.yaml data/two, deps: [seed], outs: [data]}
  model: {cmd: cp data/one model, deps: [data], outs: [model]}
"""


def listed(root: Path) -> None:
    """Photographs of one's own whose lists are written."""
    folder(root)
    write_selection(workspace_of_folder(root), select(workspace_of_folder(root), "mug"))


def label(root: Path) -> Any:
    """The stage `masks`, which goes on without a photograph that cannot be read."""
    from pipeline.labels.masks.label import label_masks

    summary = label_masks(workspace_of_folder(root), "mug")
    if summary.skipped:
        assert list(summary.skipped) == ["a"] and "a.png" in summary.skipped["a"]
        raise Skipped(str(summary.skipped))
    return summary


def pipeline(root: Path) -> None:
    """A pipeline that has run."""
    from shutil import copy

    from dvc.repo import Repo

    from support.paths import ROOT

    copy(ROOT / "params.yaml", root)
    (root / "seed").write_text("1\n")
    (root / "dvc.yaml").write_text(PIPELINE)
    before = Path.cwd()
    os.chdir(root)
    try:
        with Repo.init(no_scm=True) as repo:
            repo.reproduce()
    finally:
        os.chdir(before)
    (found,) = Path(root, ".dvc/cache/files/md5").glob("*/*.dir")
    (root / "list").write_text(str(found.relative_to(root)))


def verify(root: Path) -> Any:
    """The command `semagic verify`; damage that it finds counts as skipped."""
    from pipeline.config.opening import open_workspace
    from pipeline.verification.report import in_lines
    from pipeline.verification.verify import verify as verified

    report = verified(open_workspace(root))
    lines = in_lines(report, root)
    if report.findings.damaged or report.findings.outdated or report.findings.unrecorded:
        raise Skipped("\n".join(lines))
    return lines


KINDS = (
    Kind("photograph in a label stage", listed, "photographs/a.png", label, names=("instances",)),
    Kind("dvc.yaml", pipeline, "dvc.yaml", verify, "text"),
    Kind("dvc.lock", pipeline, "dvc.lock", verify, "text"),
    Kind("configuration of DVC", pipeline, ".dvc/config", verify, "text"),
    Kind("output of a stage", pipeline, "data/two", verify, exact=True),
)
