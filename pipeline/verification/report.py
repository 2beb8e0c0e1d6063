"""Findings of a verification, and their text."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.base.errors import some
from pipeline.downloads.disk import in_words

SHOWN = 20
"""Maximum number of lines of each kind of finding. Without it a missing folder would fill the screen."""


class Damage(NamedTuple):
    """File or folder that differs from its record."""

    path: Path
    expected: str
    found: str
    remedy: str


class Outdated(NamedTuple):
    """Source or input that changed after stages had run with it."""

    path: Path
    stages: tuple[str, ...]


class Findings(NamedTuple):
    """Findings of one check, or of several checks combined."""

    damaged: tuple[Damage, ...] = ()
    outdated: tuple[Outdated, ...] = ()
    unrecorded: tuple[str, ...] = ()
    """Names of files and outputs without a recorded hash."""


class Report(NamedTuple):
    """Complete result of a verification."""

    findings: Findings
    files: int
    """Number of files that were read."""
    bytes: int
    """Total size of the files that were read."""


def combined(parts: Sequence[Findings]) -> Findings:
    """Merge findings and sort each kind."""
    return Findings(*(tuple(sorted(item for group in kind for item in group)) for kind in zip(*parts, strict=True)))


def in_lines(report: Report, root: Path) -> list[str]:
    """Format a report: one line for each finding, with paths relative to `root`, and a summary line."""
    root = root.resolve()
    damaged, outdated, unrecorded = report.findings
    lines = _cut([f"damaged: {_relative(item.path, root)}: {_explain(item)}" for item in damaged])
    lines += _cut([f"changed since: {_relative(item.path, root)}: {_since(item.stages)}" for item in outdated])
    lines += _cut([f"not recorded: {name}" for name in unrecorded])
    counts = f"{len(damaged)} damaged, {len(outdated)} changed since stages ran"
    return [*lines, f"verify: {report.files} files, {in_words(report.bytes)}: {counts}"]


def shown(path: Path) -> Path:
    """A path as a command in the current folder takes it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _explain(item: Damage) -> str:
    return f"expected {item.expected}, found {item.found}. To mend it: {item.remedy}."


def _since(stages: Sequence[str]) -> str:
    return f"{some(stages, 3)} used another version of it. No damage: `dvc repro` updates the results."


def _cut(lines: list[str]) -> list[str]:
    rest = len(lines) - SHOWN
    return lines if rest <= 0 else [*lines[:SHOWN], f"  and {rest} more of the kind '{lines[0].split(':')[0]}'"]


def _relative(path: Path, root: Path) -> Path:
    return path.absolute().relative_to(root) if path.absolute().is_relative_to(root) else path
