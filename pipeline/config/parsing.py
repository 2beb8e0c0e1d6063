"""Conversion of nested mappings to dataclasses and back, with errors that name the key and the nearest valid one."""

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

from pipeline.base.errors import InputError, nearest


def parse_section(kind: type, content: Any, source: str) -> Any:
    """Check nested mappings against a dataclass, and return an instance of it.

    Args:
        kind: the dataclass.
        content: the nested mappings; it may be anything.
        source: names `content` in errors.

    Raises:
        InputError: a key is unknown, missing or of the wrong type.
    """
    return _convert(kind, content, source, "")


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


def _convert(kind: Any, value: Any, source: str, key: str) -> Any:
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _convert_section(kind, value, source, key)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        if value in arguments:
            return value
        raise _mistyped(source, key, f"one of {', '.join(map(repr, arguments))}", value)
    if origin is Mapping:
        if isinstance(value, Mapping):
            return {name: _convert(arguments[1], item, source, f"{key}.{name}") for name, item in value.items()}
        raise _mistyped(source, key, "a mapping", value)
    if kind is Any:
        return value
    if origin is tuple:
        if isinstance(value, list | tuple):
            return tuple(_convert(arguments[0], item, source, f"{key}[{i}]") for i, item in enumerate(value))
        raise _mistyped(source, key, "a list", value)
    if origin is types.UnionType:
        return None if value is None else _convert(arguments[0], value, source, key)
    # `-S loss.feat_cons=0` writes an integer where a float stood.
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise _mistyped(source, key, f"a value of type {kind.__name__}", value)


def _convert_section(kind: type, value: Any, source: str, key: str) -> Any:
    fields = _fields(kind)
    if not isinstance(value, dict):
        raise _mistyped(source, key, f"a section with the keys {', '.join(fields)}", value)
    prefix = f"{key}." if key else ""
    for name in value:
        if name not in fields:
            raise InputError(f"{source}: unknown parameter '{prefix}{name}'. {nearest(str(name), fields)}")
    for name in fields:
        if name not in value:
            raise InputError(f"{source}: parameter '{prefix}{name}' is missing; the file that is shipped has it.")
    return kind(**{name: _convert(fields[name], value[name], source, f"{prefix}{name}") for name in fields})


@functools.cache
def _fields(kind: type) -> dict[str, Any]:
    """The types of a dataclass's fields by name. They are kept: finding them takes most of the time of a check."""
    return typing.get_type_hints(kind)


def _mistyped(source: str, key: str, expected: str, found: Any) -> InputError:
    return InputError(f"{source}: parameter '{key}' must be {expected}; found {found!r}.")
