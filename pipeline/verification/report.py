"""What a verification found, and its text."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.base.errors import some
from pipeline.downloads.disk import in_words

SHOWN = 20
"""Lines of each kind; a folder that is missing would else fill the screen."""


class Damage(NamedTuple):
    """A file or folder that is not what was recorded."""

    path: Path
    expected: str
    found: str
    remedy: str


class Outdated(NamedTuple):
    """A source or an input that changed after stages had run with it."""

    path: Path
    stages: tuple[str, ...]


class Findings(NamedTuple):
    """The part of a report that one kind of record gives."""

    damaged: tuple[Damage, ...] = ()
    outdated: tuple[Outdated, ...] = ()
    unrecorded: tuple[str, ...] = ()
    """Names of what there is no hash for."""


class Report(NamedTuple):
    """The whole."""

    findings: Findings
    files: int
    bytes: int


def combined(parts: Sequence[Findings]) -> Findings:
    """All findings, sorted."""
    return Findings(*(tuple(sorted(item for group in kind for item in group)) for kind in zip(*parts, strict=True)))


def in_lines(report: Report, root: Path) -> list[str]:
    """A line for each finding, with paths relative to `root`, and a summary."""
    root = root.resolve()
    damaged, outdated, unrecorded = report.findings
    lines = _shown([f"damaged: {_relative(item.path, root)}: {_explain(item)}" for item in damaged])
    lines += _shown([f"changed since: {_relative(item.path, root)}: {_since(item.stages)}" for item in outdated])
    lines += _shown([f"not recorded: {name}" for name in unrecorded])
    counts = f"{len(damaged)} damaged, {len(outdated)} changed since stages ran"
    return [*lines, f"verify: {report.files} files, {in_words(report.bytes)}: {counts}"]


def _explain(item: Damage) -> str:
    return f"expected {item.expected}, found {item.found}. To mend it: {item.remedy}."


def _since(stages: Sequence[str]) -> str:
    return f"{some(stages, 3)} used another version of it. No damage: `dvc repro` updates the results."


def _shown(lines: list[str]) -> list[str]:
    rest = len(lines) - SHOWN
    return lines if rest <= 0 else [*lines[:SHOWN], f"  and {rest} more of the kind '{lines[0].split(':')[0]}'"]


def _relative(path: Path, root: Path) -> Path:
    return path.absolute().relative_to(root) if path.absolute().is_relative_to(root) else path
