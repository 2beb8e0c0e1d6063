"""Repository in which every stage appears to be up to date, with placeholder files as outputs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.parts import ROOT
from pipeline.config.profiles import merge_text

COPIED = ("dvc.yaml", "params.yaml", "downloads.yaml", ".dvcignore", ".gitignore")
CODE = ("pipeline", "semagic", "stages")
FILE_SUFFIXES = {".csv", ".json", ".md", ".parquet", ".safetensors", ".tex", ".yaml"}
"""Suffixes of outputs that are files. An output with any other suffix is a folder."""
FILES = 20
"""Number of placeholders in each folder."""


class Pretended(NamedTuple):
    """Repository whose stages are all up to date."""

    folder: Path
    stages: int
    files: int
    """Number of placeholder files."""


def pretend(folder: Path, overrides: Mapping[str, Any]) -> Pretended:
    """Make a repository in `folder` in which every stage appears to be up to date.

    Only the stage `resolve` runs, because its files hold the parameters of the other stages. `dvc commit` then records
    the placeholders as the outputs of the stages.

    Args:
        folder: folder of the repository, which must not exist.
        overrides: changes of the shipped parameters.

    Raises:
        RuntimeError: a command fails.
    """
    folder.mkdir(parents=True)
    for name in COPIED:
        shutil.copy(ROOT / name, folder)
    for name in CODE:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "params.yaml"
    path.write_text(merge_text(path.read_text(encoding="utf-8"), overrides, "benchmarks"), encoding="utf-8")
    execute(folder, "git", "init", "--quiet")
    run_module(folder, "dvc", "init", "--quiet")
    run_module(folder, "stages.resolve")
    stages, files = _fill(folder)
    run_module(folder, "dvc", "commit", "--force", "--quiet")
    return Pretended(folder, stages, files)


def find_nothing_to_do(folder: Path) -> None:
    """Run `dvc repro` in a repository whose stages are up to date.

    Raises:
        RuntimeError: a stage has run.
    """
    said = run_module(folder, "dvc", "repro")
    if "Running stage" in said or "up to date" not in said:
        raise RuntimeError(f"{folder}: expected `dvc repro` to find nothing to do; it said: {said[-2000:]}")


def run_module(folder: Path, module: str, *arguments: str) -> str:
    """Run `python -m module` with the arguments in `folder`, and return its output."""
    return execute(folder, sys.executable, "-m", module, *arguments)


def execute(folder: Path, *command: str) -> str:
    """Run a command in `folder`, and return its output.

    Raises:
        RuntimeError: the command failed. The message contains the end of its error output.
    """
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed in {folder}: {done.stderr[-2000:]}")
    return done.stdout


def _fill(folder: Path) -> tuple[int, int]:
    """Write the placeholders, and return the numbers of stages and of files."""
    from dvc.repo import Repo

    with Repo(str(folder)) as repo:
        stages = list(repo.index.stages)
        # Outputs come first, because a dependency of another stage may be a part of one, or contain several.
        paths = [Path(out.fs_path) for stage in stages for out in stage.outs]
        paths += [Path(dep.fs_path) for stage in stages for dep in stage.deps if dep.def_path.split("/")[0] not in CODE]
    made = {file for path in dict.fromkeys(paths) for file in _placeholders(path)}
    return len(stages), len(made)


def _placeholders(path: Path) -> list[Path]:
    """Write placeholders at `path`, or inside it if it is a folder, unless there are files already."""
    if path.suffix in FILE_SUFFIXES:
        files = [] if path.exists() else [path]
    else:
        files = [] if path.is_dir() and any(path.iterdir()) else [path / f"{i:04}" for i in range(FILES)]
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{file.relative_to(file.parents[2])}\n")
    return files
