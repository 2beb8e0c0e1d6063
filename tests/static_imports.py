"""Which files of the project a module needs, read from the source without running it."""

import ast
from pathlib import Path

PACKAGES = ("pipeline", "stages")


def import_closure(root: Path, module: Path) -> set[Path]:
    """Files under `root` that importing `module` runs, itself included; imports inside functions count too.

    Args:
        root: folder that holds the packages.
        module: a source file, relative to `root`.
    """
    found, waiting = set(), [module]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        waiting += [parent / "__init__.py" for parent in path.parents if (root / parent / "__init__.py").is_file()]
        waiting += _imported_files(root, path)
    return found


def parameter_accesses(root: Path, path: Path) -> set[str]:
    """Dotted names read as `params.a.b` or `<anything>.params.a.b`, without 'params'."""
    names = set()
    tree = ast.parse((root / path).read_text(encoding="utf-8"))
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and id(node) not in inner:
            chain = _chain(node)
            if "params" in chain:
                names.add(".".join(chain[chain.index("params") + 1 :]))
    return names - {""}


def _imported_files(root: Path, path: Path) -> list[Path]:
    files = []
    for node in ast.walk(ast.parse((root / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{path}:{node.lineno}: a relative import; write the absolute one.")
            # `from package import name`: the name may be a module.
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        files += [file for name in names if (file := _file_of(root, name))]
    return files


def _file_of(root: Path, name: str) -> Path | None:
    if name.split(".")[0] not in PACKAGES:
        return None
    path = Path(*name.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((candidate for candidate in candidates if (root / candidate).is_file()), None)


def _chain(node: ast.expr) -> list[str]:
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [*([node.id] if isinstance(node, ast.Name) else []), *reversed(names)]
