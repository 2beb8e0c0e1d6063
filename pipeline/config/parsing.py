"""Conversion of nested mappings to dataclasses and back, with errors that name the key and what it must be."""

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pipeline.base.errors import InputError, nearest
from pipeline.config.ranges import Range, Relation

LARGEST_INTEGER = 2**63 - 1
"""Largest integer of numpy and torch."""


def parse_section(kind: type, content: Any, source: str, key: str = "") -> Any:
    """Check nested mappings against a dataclass, and return an instance of it.

    Numbers must be finite, and integers must have 64 bits. The type of a field may be `Annotated` with ranges
    (`pipeline.config.ranges`), to which its value must belong.

    Args:
        kind: the dataclass.
        content: the nested mappings; it may be anything.
        source: names `content` in errors.
        key: dotted name of the section within the source; empty for the whole.

    Raises:
        InputError: a key is unknown or missing, or its value is of the wrong type or outside its range.
    """
    return _convert(kind, content, source, key)


def to_dict(params: Any) -> dict[str, Any]:
    """The plain nested form of a parameter dataclass, ready for JSON."""
    return dataclasses.asdict(params)


def merged(content: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of `content` in which the leaves of `overlay` take the places of its own; neither is changed."""
    result = dict(content)
    for name, value in overlay.items():
        below = result.get(name)
        result[name] = merged(below, value) if isinstance(value, Mapping) and isinstance(below, Mapping) else value
    return result


def ranges_of(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """The type itself and the ranges that a field's annotation joins to it."""
    return (kind.__origin__, kind.__metadata__) if typing.get_origin(kind) is Annotated else (kind, ())


@functools.cache
def fields_of(kind: type) -> dict[str, Any]:
    """The types of a dataclass's fields by name, with their ranges.

    They are kept: finding them takes most of the time of a check.
    """
    return typing.get_type_hints(kind, include_extras=True)


def _convert(kind: Any, value: Any, source: str, key: str) -> Any:
    kind, ranges = ranges_of(kind)
    value = _convert_type(kind, value, source, key)
    for allowed in ranges:
        if isinstance(allowed, Range) and value not in allowed:
            raise _refused(source, key, str(allowed), list(value) if isinstance(value, tuple) else value)
    return value


def _convert_type(kind: Any, value: Any, source: str, key: str) -> Any:
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _convert_section(kind, value, source, key)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        if any(value == choice and type(value) is type(choice) for choice in arguments):
            return value
        raise _refused(source, key, f"one of {', '.join(map(repr, arguments))}", value)
    if origin is Mapping:
        if isinstance(value, Mapping):
            pairs = ((name, f"{key}.{name}", item) for name, item in value.items())
            return {_convert(arguments[0], n, source, k): _convert(arguments[1], i, source, k) for n, k, i in pairs}
        raise _refused(source, key, "a mapping", value)
    if kind is Any:
        return value
    if origin is tuple:
        if isinstance(value, list | tuple):
            return tuple(_convert(arguments[0], item, source, f"{key}[{i}]") for i, item in enumerate(value))
        raise _refused(source, key, "a list", value)
    if origin is types.UnionType:
        return None if value is None else _convert(arguments[0], value, source, key)
    return _convert_scalar(kind, value, source, key)


def _convert_scalar(kind: type, value: Any, source: str, key: str) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST_INTEGER:
        raise _refused(source, key, "a number of at most 64 bits", value)
    # `-S loss.feat_cons=0` writes an integer where a float stood.
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _refused(source, key, f"a value of type {kind.__name__}", value)
    if isinstance(value, float) and not math.isfinite(value):
        raise _refused(source, key, "a finite number", value)
    return value


def _convert_section(kind: type, value: Any, source: str, key: str) -> Any:
    fields = fields_of(kind)
    if not isinstance(value, dict):
        raise _refused(source, key, f"a section with the keys {', '.join(fields)}", value)
    prefix = f"{key}." if key else ""
    for name in value:
        if name not in fields:
            raise InputError(f"{source}: unknown parameter '{prefix}{name}'. {nearest(str(name), fields)}")
    for name in fields:
        if name not in value:
            raise InputError(f"{source}: parameter '{prefix}{name}' is missing; add it, as in the shipped file.")
    found = {name: _convert(fields[name], value[name], source, f"{prefix}{name}") for name in fields}
    for name, relation in _relations(kind):
        if not relation.holds(found[name], limit := found[relation.other]):
            raise _refused(source, f"{prefix}{name}", relation.words(limit), found[name])
    return kind(**found)


@functools.cache
def _relations(kind: type) -> list[tuple[str, Relation]]:
    """The relations between the fields of a dataclass, each with the name of the field that has it."""
    return [
        (name, each)
        for name, field in fields_of(kind).items()
        for each in ranges_of(field)[1]
        if isinstance(each, Relation)
    ]


def _refused(source: str, key: str, expected: str, found: Any) -> InputError:
    where = f"parameter '{key}'" if key else "the whole"
    shown = repr(found)
    return InputError(
        f"{source}: {where} must be {expected}; found {shown if len(shown) <= 200 else f'{shown[:200]}...'}."
    )
