"""YAML as the project reads and writes it: version 1.2, the dialect that DVC writes with ruamel.yaml.

libyaml takes the text apart, fifty times as fast as ruamel.yaml. What becomes of the parts is decided here, so that
nothing but mappings, lists and scalars is ever constructed. `yaml_edits` changes a text and keeps its comments; no
other module imports a YAML library.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from pipeline.base.errors import InputError
from pipeline.base.text_files import check_printable, line_of, read_text
from pipeline.base.yaml_scalars import FLOAT, INTEGER, UNCLEAR, resolve

MOST_VALUES = 20_000
"""Number of values in one text, those that aliases repeat included."""
DEEPEST = 32
"""Levels of nesting in one text."""
PARSER, DUMPER = (yaml.CBaseLoader, yaml.CSafeDumper) if yaml.__with_libyaml__ else (yaml.BaseLoader, yaml.SafeDumper)


def read_yaml(path: Path, remedy: str) -> dict[str, Any]:
    """Read a YAML file whose top is a mapping.

    Args:
        remedy: sentence that says how to get a good file.

    Raises:
        InputError: the file cannot be read, is not text, not YAML 1.2, or not a mapping.
    """
    content = parse_yaml(read_text(path, remedy), str(path))
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected `key: value` lines, found {_kind(content)}. {remedy}")
    return content


def parse_yaml(text: str, source: str = "YAML") -> Any:
    """The value of YAML text: None, a bool, a number, text, a list, or a mapping with text as its keys.

    Args:
        source: names the text in errors.

    Raises:
        InputError: the text is not YAML 1.2 or of more than one document, a key is repeated or is no text, a number is
            not finite, there is a tag, a directive or a tab, or aliases multiply the text beyond reason.
    """
    check_printable(text, source)
    if "\t" in text:
        line = line_of(text, text.index("\t"))
        raise InputError(f"{source}, line {line}: expected spaces, found a tab. Put spaces in its place.")
    try:
        return _Reading(yaml.parse(text, Loader=PARSER), source).document()
    except yaml.MarkedYAMLError as error:
        last = line_of(text, len(text.rstrip()))
        line = min(last, error.problem_mark.line + 1) if error.problem_mark else last
        raise InputError(
            f"{source}, line {line}: expected YAML, but {error.problem}. Mend this line or the one above."
        ) from None


def to_yaml(content: Any) -> str:
    """Text that is `content` to readers of YAML 1.2 and of 1.1. Keys keep their order; tuples become lists."""
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, default_flow_style=False)


class _Reading:
    """Values from the events of a parser."""

    def __init__(self, events: Iterator[Any], source: str) -> None:
        self._events = events
        self._source = source
        self._count = 0
        self._anchors: dict[str, Any] = {}

    def document(self) -> Any:
        value = None
        next(self._events)
        while not isinstance(event := next(self._events), yaml.StreamEndEvent):
            if event.version or event.tags:
                raise self._error(event, "YAML without a directive", "%. Remove the directive")
            if self._count:
                raise self._error(event, "one document", "another one. Remove it")
            value = self._value(next(self._events), 0)
            next(self._events)
        return value

    def _value(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise self._error(event, f"&{event.anchor} on a value above", f"*{event.anchor}. Write the value here")
            return self._copied(self._anchors[event.anchor], event, depth)
        self._count_one(event, depth)
        if event.tag is not None:
            raise self._error(event, "a value without a tag", f"{event.tag}. Remove the tag")
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._list(depth + 1)
        else:
            value = self._mapping(depth + 1)
        if event.anchor is not None:
            self._anchors[event.anchor] = value
        return value

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        if not event.implicit[0]:
            return event.value
        try:
            return resolve(event.value)
        except ValueError as error:
            raise InputError(f"{self._source}, line {event.start_mark.line + 1}: {error}. Mend the value.") from None

    def _list(self, depth: int) -> list[Any]:
        items = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, depth))
        return items

    def _mapping(self, depth: int) -> dict[str, Any]:
        content = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            name = self._value(event, depth)
            if not isinstance(name, str):
                raise self._error(event, "text as a key", f"{_kind(name)}. Put it in quotes")
            if name in content:
                raise self._error(event, "each key once", f"'{name}' again. Remove one of the two")
            content[name] = self._value(next(self._events), depth)
        return content

    def _copied(self, value: Any, event: Any, depth: int) -> Any:
        """A copy of an anchor's value, so that a change of one does not change the other."""
        self._count_one(event, depth)
        if isinstance(value, dict):
            return {name: self._copied(item, event, depth + 1) for name, item in value.items()}
        return [self._copied(item, event, depth + 1) for item in value] if isinstance(value, list) else value

    def _count_one(self, event: Any, depth: int) -> None:
        self._count += 1
        if depth > DEEPEST or self._count > MOST_VALUES:
            raise self._error(
                event, f"at most {MOST_VALUES} values in {DEEPEST} levels, aliases included", "more. Simplify the file"
            )

    def _error(self, event: Any, expected: str, found: str) -> InputError:
        return InputError(f"{self._source}, line {event.start_mark.line + 1}: expected {expected}, found {found}.")


class _Dumper(DUMPER):  # pyright: ignore[reportGeneralTypeIssues]
    """Dumper that quotes text which either version would read as something else, and repeats equal values in full."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_NO_TEXT = re.compile(f"(?:{'|'.join(each.pattern for each in (INTEGER, FLOAT, UNCLEAR))})\\Z", re.VERBOSE)
_Dumper.add_implicit_resolver("not text in YAML 1.2", _NO_TEXT, None)


def _kind(value: Any) -> str:
    """Words for a value in an error."""
    return {type(None): "nothing", dict: "a mapping", list: "a list"}.get(type(value), repr(value)[:80])
