"""Source files that determine the results of a module: the module itself, and all modules of the project it imports.

This is the only definition of these files. `dvc.yaml` lists them as dependencies of its stages. An unfinished training,
or an unfinished folder of labels, is continued only if none of them has changed.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""Folder that holds the packages."""
PACKAGES = ("pipeline", "stages")
"""Packages of the stages."""
RECORDERS = Path("pipeline/tracking")
"""Package that records results in MLflow and determines none of them. Imports of it are not followed."""


@cache
def source_sha256(module: str) -> str:
    """Digest of the source of a module and of all modules of the project that it imports, directly or indirectly.

    Imports inside functions count. The path of a file counts too, so that moving a module changes the digest.

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
    """Find the source files that importing the file `path` runs, including `path` itself.

    Imports inside functions count.

    Args:
        root: folder that holds the packages.
        path: source file, relative to `root`.

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
    """Source file of a module, relative to `root`. None for a recorder or a module of another project."""
    path = Path(*module.split("."))
    if path.parts[0] not in PACKAGES or path.is_relative_to(RECORDERS):
        return None
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((candidate for candidate in candidates if (root / candidate).is_file()), None)


@cache
def _imported_names(root: Path, path: Path) -> tuple[str, ...]:
    """Dotted names that a file imports. `from a import b` gives `a` and `a.b`, because `b` may be a module."""
    names: list[str] = []
    for node in ast.walk(ast.parse((root / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level or node.module is None:
                raise ValueError(f"{path}:{node.lineno}: a relative import; write the absolute one.")
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(names)
