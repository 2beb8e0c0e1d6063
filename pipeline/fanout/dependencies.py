"""Code dependencies of the stages in dvc.yaml, derived from the imports."""

import ast
import re
import textwrap
from collections import defaultdict
from functools import cache
from pathlib import Path

from pipeline.base.errors import InputError
from pipeline.base.files import write_text
from pipeline.base.sources import PACKAGES, imported_files

WIDTH = 120


def code_dependencies(root: Path, stage: str) -> list[str]:
    """List the code that a stage depends on, in the form of dvc.yaml: files of `stages`, then packages and files.

    A package is listed as a whole if the stage imports at least a third of its files and all of its subpackages.
    Otherwise the imported files are listed, so that a change of the other files does not run the stage again.

    Args:
        root: folder that holds the packages.
    """
    needed = {path for path in imported_files(root, Path("stages") / f"{stage}.py") if _has_code(root / path)}
    files = sorted(path.as_posix() for path in needed if path.parts[0] == "stages")
    by_folder: dict[Path, set[Path]] = defaultdict(set)
    for path in sorted(needed):
        if path.parts[0] != "stages":
            by_folder[path.parent].add(path)
    entries: list[str] = []
    for folder, paths in sorted(by_folder.items()):
        if any(folder.is_relative_to(entry) for entry in entries):
            continue
        own = {path.relative_to(root) for path in (root / folder).glob("*.py") if _has_code(path)}
        inside = {path.relative_to(root) for path in (root / folder).rglob("*.py") if _has_code(path)} - own
        whole = 3 * len(paths) >= len(own) and inside <= needed
        entries += [folder.as_posix()] if whole else sorted(path.as_posix() for path in paths)
    return files + entries


def with_dependencies(root: Path, text: str) -> str:
    """Rewrite the text of dvc.yaml, so that the list `deps` of each stage begins with its code dependencies.

    Raises:
        InputError: a stage has no list `deps: [...]`.
    """

    def rewritten(block: re.Match[str]) -> str:
        stage, body = block[1], block[2]
        found = re.search(r"^    deps: \[(.*?)\]$", body, re.DOTALL | re.MULTILINE)
        if found is None:
            raise InputError(f"dvc.yaml: the stage '{stage}' must have a list `deps: [...]`; found none.")
        others = [entry for entry in re.split(r",\s*", found[1].strip()) if entry and not is_code(entry)]
        lists = [part for part in (code_dependencies(root, stage), others) if part]
        lines = [_wrapped(entries, last=part == len(lists) - 1) for part, entries in enumerate(lists)]
        deps = "\n".join(["    deps: [", *lines]) + "]"
        return f"  {stage}:\n{body[: found.start()]}{deps}{body[found.end() :]}"

    return re.sub(r"^  (\w+):\n((?:    .*\n|\n)*)", rewritten, text, flags=re.MULTILINE)


def stale_dependencies(root: Path) -> bool:
    """Whether the code dependencies in `root`/dvc.yaml differ from those of the imports."""
    text = (root / "dvc.yaml").read_text(encoding="utf-8")
    return with_dependencies(root, text) != text


def write_dependencies(root: Path) -> None:
    """Rewrite the code dependencies in `root`/dvc.yaml."""
    path = root / "dvc.yaml"
    write_text(path, with_dependencies(root, path.read_text(encoding="utf-8")))


def is_code(entry: str) -> bool:
    """Whether a dependency is source code of the project."""
    return entry.split("/")[0] in PACKAGES


def _wrapped(entries: list[str], last: bool) -> str:
    text = ", ".join(entries) + ("" if last else ",")
    return textwrap.fill(
        text,
        WIDTH - 1,
        initial_indent=" " * 6,
        subsequent_indent=" " * 6,
        break_long_words=False,
        break_on_hyphens=False,
    )


@cache
def _has_code(path: Path) -> bool:
    """Whether a source file holds more than a docstring."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return any(not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) for node in body)
