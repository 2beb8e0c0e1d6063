"""Which source files decide what a module computes: the module, and all of the project that it imports.

This is the one answer to that question. `dvc.yaml` lists these files as dependencies of its stages; an unfinished
training, or an unfinished folder of labels, is continued only if none of them has changed.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""Folder that holds the packages."""
PACKAGES = ("pipeline", "stages")


@cache
def source_sha256(module: str) -> str:
    """Digest of the source of a module and of all modules of the project that it imports, directly or not.

    Imports inside functions count. Where a file lies counts, too: a module that moves is another one.

    Args:
        module: dotted name, such as 'pipeline.training.trainer'.

    Raises:
        ValueError: the project has no such module.
    """
    path = module_file(ROOT, module)
    if path is None:
        raise ValueError(f"There is no module {module} in {', '.join(PACKAGES)}.")
    digest = hashlib.sha256()
    for file in sorted(imported_files(ROOT, path)):
        digest.update(f"{file.as_posix()}\n".encode() + (ROOT / file).read_bytes())
    return digest.hexdigest()


def imported_files(root: Path, path: Path) -> set[Path]:
    """Files that importing the source file `path` runs, itself included; imports inside functions count.

    Args:
        root: folder that holds the packages.
        path: a source file, relative to `root`.

    Returns:
        Paths relative to `root`.

    Raises:
        ValueError: a file has a relative import, which is not followed.
    """
    found: set[Path] = set()
    waiting = [path]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += [parent / "__init__.py" for parent in path.parents if (root / parent / "__init__.py").is_file()]
            waiting += [file for name in _imported_names(root, path) if (file := module_file(root, name))]
    return found


def module_file(root: Path, module: str) -> Path | None:
    """Source file of a module of the project, relative to `root`; None for anything else."""
    path = Path(*module.split("."))
    if path.parts[0] not in PACKAGES:
        return None
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((candidate for candidate in candidates if (root / candidate).is_file()), None)


def _imported_names(root: Path, path: Path) -> Iterator[str]:
    """Dotted names that a file imports; `from package import name` gives both, as the name may be a module."""
    for node in ast.walk(_parsed(root / path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                raise ValueError(f"{path}:{node.lineno}: a relative import; write the absolute one.")
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))
