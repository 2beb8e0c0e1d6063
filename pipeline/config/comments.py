"""The comments of params.yaml: the first line of each parameter's docstring."""

import ast
import dataclasses
import inspect
import itertools
import re
import textwrap
import typing
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline.base.errors import InputError
from pipeline.base.files import write_text
from pipeline.base.text_files import read_text
from pipeline.config.params import RESTORE, Params


def describe(kind: type, prefix: str = "") -> dict[str, str]:
    """One-line description of each key of a section and of its subsections, by the key's dotted name.

    A key is described by the docstring below its field. A section without such a docstring is described by the
    docstring of its class.

    Args:
        kind: dataclass of the section.
        prefix: prefix of each dotted name.
    """
    docstrings = _docstrings(kind)
    found = {}
    for name, inner in typing.get_type_hints(kind).items():
        section = isinstance(inner, type) and dataclasses.is_dataclass(inner)
        docstring = docstrings.get(name) or (inner.__doc__ if section else "") or ""
        found[prefix + name] = docstring.partition("\n")[0]
        if section:
            found |= describe(inner, f"{prefix}{name}.")
    return found


def with_comments(text: str) -> str:
    """The text of a parameter file with what each key means as the comment beside it.

    The comments of a section's values stand below each other. Keys inside variants and backbones, which repeat others,
    and lines that are comments stay as they are.
    """
    descriptions = describe(Params)
    lines = list(_lines(text))
    columns: dict[str, int] = defaultdict(int)
    for line in lines:
        if line.has_value and line.key in descriptions:
            columns[line.section] = max(columns[line.section], len(line.content) + 2)

    def commented(line: _Line) -> str:
        if line.key not in descriptions:
            return line.content + line.comment
        column = columns[line.section] if line.has_value else len(line.content) + 2
        return f"{line.content:<{column}}# {descriptions[line.key]}"

    return "".join(f"{commented(line)}\n" for line in lines)


def stale_comments(root: Path) -> bool:
    """Whether the comments in `root`/params.yaml differ from the docstrings."""
    text = read_text(root / "params.yaml", RESTORE)
    return with_comments(text) != text


def write_comments(root: Path) -> None:
    """Rewrite the comments in `root`/params.yaml."""
    path = root / "params.yaml"
    write_text(path, with_comments(read_text(path, RESTORE)))


class _Line(NamedTuple):
    """A line of a parameter file."""

    content: str
    """Everything before the comment and the spaces before it."""
    comment: str
    """The rest."""
    key: str
    """Dotted name of the key in the line; empty where the line has none."""
    has_value: bool
    """Whether the key's value stands in the same line."""

    @property
    def section(self) -> str:
        """Dotted name of the section that the key is in."""
        return self.key.rpartition(".")[0]


def _lines(text: str) -> Iterator[_Line]:
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        parts = re.fullmatch(r'((?:"[^"]*"|[^"#])*?)(\s*#.*|\s*)', line)
        if parts is None:
            raise InputError(f"params.yaml: expected double quotes in pairs, found the line '{line}'. Close the quote.")
        content, comment = parts.groups()
        found = re.match(r"( *)(\w+):", content)
        if found is None:
            yield _Line(content, comment, "", False)
            continue
        indent = len(found[1])
        above = [(other, name) for other, name in above if other < indent]
        above.append((indent, found[2]))
        yield _Line(content, comment, ".".join(name for _, name in above), not content.endswith(":"))


def _docstrings(kind: type) -> dict[str, str]:
    """The docstrings below the fields of a dataclass and of those that it extends."""
    found: dict[str, str] = {}
    for owner in kind.__mro__:
        if not dataclasses.is_dataclass(owner):
            continue
        source = ast.parse(textwrap.dedent(inspect.getsource(owner)))
        definition = next(node for node in source.body if isinstance(node, ast.ClassDef))
        for field, below in itertools.pairwise(definition.body):
            match field, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(docstring))):
                    found.setdefault(name, inspect.cleandoc(docstring))
    return found
