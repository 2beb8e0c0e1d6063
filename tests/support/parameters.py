"""The keys of params.yaml with the types of their fields, ranges included."""

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from pipeline.config.params import Params
from pipeline.config.parsing import fields_of, ranges_of
from pipeline.config.ranges import Range, Relation


class Key(NamedTuple):
    """A leaf of the parameters."""

    name: str
    """Dotted name."""
    type: Any
    """Type without ranges: bool, int, float, str, a Literal or a tuple."""
    ranges: tuple[Range, ...]
    relations: tuple[Relation, ...]
    owner: type
    """Dataclass of the section that holds the key."""

    @property
    def section(self) -> str:
        """Dotted name of the section that holds the key; empty at the top."""
        return self.name.rpartition(".")[0]


def keys(kind: type = Params, prefix: str = "") -> Iterator[Key]:
    """All keys but those inside variants, backbones and stages, whose names people choose."""
    for name, annotation in fields_of(kind).items():
        if typing.get_origin(annotation) is Mapping:
            continue
        if dataclasses.is_dataclass(annotation):
            yield from keys(typing.cast(type, annotation), f"{prefix}{name}.")
        else:
            yield key(f"{prefix}{name}", annotation, kind)


def key(name: str, annotation: Any, owner: type) -> Key:
    """The leaf of this name and annotation."""
    kind, metadata = ranges_of(annotation)
    ranges = tuple(each for each in metadata if isinstance(each, Range))
    return Key(name, kind, ranges, tuple(each for each in metadata if isinstance(each, Relation)), owner)


def item(of: Key) -> Key | None:
    """An item of a list, as a key of its own; None if `of` is no list."""
    if typing.get_origin(of.type) is not tuple:
        return None
    return key(f"{of.name}[0]", typing.get_args(of.type)[0], of.owner)


def is_choice(of: Key) -> bool:
    """Whether the values are listed one by one."""
    return typing.get_origin(of.type) is Literal
