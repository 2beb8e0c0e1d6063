"""A copy of the package that a test may edit, and the digests of its modules' source."""

import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from support.paths import ROOT


def copy_package(folder: Path) -> Path:
    """Copy the package into `folder`."""
    shutil.copytree(ROOT / "pipeline", folder / "pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def edit(folder: Path, file: str) -> None:
    """Append a comment to one source file, or to all below a folder."""
    path = folder / file
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    assert files
    for source in files:
        source.write_text(source.read_text(encoding="utf-8") + "# edited\n", encoding="utf-8")


def digests(folder: Path, modules: Iterable[str]) -> dict[str, str]:
    """`source_sha256` of modules of the copy, by a process that imports the copy."""
    names = list(modules)
    code = f"from pipeline.base.sources import source_sha256\nfor name in {names!r}: print(source_sha256(name))"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    return dict(zip(names, done.stdout.split(), strict=True))
