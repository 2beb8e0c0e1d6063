"""Which parameters a source file reads, found without running it."""

import ast
from pathlib import Path


def parameter_accesses(path: Path) -> set[str]:
    """Dotted names read as `params.a.b` or `<anything>.params.a.b`, without 'params'."""
    names = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and id(node) not in inner:
            chain = _chain(node)
            if "params" in chain:
                names.add(".".join(chain[chain.index("params") + 1 :]))
    return names - {""}


def _chain(node: ast.expr) -> list[str]:
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [*([node.id] if isinstance(node, ast.Name) else []), *reversed(names)]
