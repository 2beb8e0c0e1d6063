"""Ranges of parameters. Each stands in the type of its field: `steps: Annotated[int, AtLeast(1)]`.

A range says whether a value belongs to it, and in words which values do, as what follows "must be" in an error.
"""

import itertools
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class Range(ABC):
    """Values that a parameter may have."""

    @abstractmethod
    def __contains__(self, value: Any) -> bool: ...

    @abstractmethod
    def __str__(self) -> str: ...


@dataclass(frozen=True)
class AtLeast(Range):
    """Numbers from `low` on."""

    low: float

    def __contains__(self, value: float) -> bool:
        return value >= self.low

    def __str__(self) -> str:
        return f"{self.low} or more"


@dataclass(frozen=True)
class Above(Range):
    """Numbers above `low`."""

    low: float

    def __contains__(self, value: float) -> bool:
        return value > self.low

    def __str__(self) -> str:
        return f"above {self.low}"


@dataclass(frozen=True)
class AtMost(Range):
    """Numbers up to `high`."""

    high: float

    def __contains__(self, value: float) -> bool:
        return value <= self.high

    def __str__(self) -> str:
        return f"{self.high} or less"


@dataclass(frozen=True)
class Below(Range):
    """Numbers below `high`."""

    high: float

    def __contains__(self, value: float) -> bool:
        return value < self.high

    def __str__(self) -> str:
        return f"below {self.high}"


@dataclass(frozen=True)
class Between(Range):
    """Numbers from `low` to `high`, both included."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"from {self.low} to {self.high}"


@dataclass(frozen=True)
class NotEmpty(Range):
    """Lists of one item or more."""

    def __contains__(self, value: Sequence[Any]) -> bool:
        return len(value) > 0

    def __str__(self) -> str:
        return "a list of one item or more"


@dataclass(frozen=True)
class Unique(Range):
    """Lists without a repeated item."""

    def __contains__(self, value: Sequence[Any]) -> bool:
        return len(set(value)) == len(value)

    def __str__(self) -> str:
        return "a list that names nothing twice"


@dataclass(frozen=True)
class Ascending(Range):
    """Lists of numbers, each above the one before."""

    def __contains__(self, value: Sequence[float]) -> bool:
        return all(one < other for one, other in itertools.pairwise(value))

    def __str__(self) -> str:
        return "in ascending order, each number once"


@dataclass(frozen=True)
class Containing(Range):
    """Lists that have an item."""

    item: Any

    def __contains__(self, value: Sequence[Any]) -> bool:
        return self.item in value

    def __str__(self) -> str:
        return f"a list with {self.item!r}"


@dataclass(frozen=True)
class Like(Range):
    """Texts that a regular expression matches, which `words` describe."""

    pattern: str
    words: str

    def __contains__(self, value: str) -> bool:
        return re.fullmatch(self.pattern, value) is not None

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True)
class Relation(ABC):
    """What the number of a key has to do with that of the key `other` of the same section."""

    other: str

    @abstractmethod
    def holds(self, value: float, limit: float) -> bool:
        """Whether `value` is right where the other key has `limit`."""

    @abstractmethod
    def words(self, limit: float) -> str:
        """What follows "must be" in an error."""


@dataclass(frozen=True)
class NotBelow(Relation):
    """Numbers not below that of another key."""

    def holds(self, value: float, limit: float) -> bool:
        return value >= limit

    def words(self, limit: float) -> str:
        return f"{limit} or more, as `{self.other}` is {limit}"


@dataclass(frozen=True)
class NotAbove(Relation):
    """Numbers not above that of another key."""

    def holds(self, value: float, limit: float) -> bool:
        return value <= limit

    def words(self, limit: float) -> str:
        return f"{limit} or less, as `{self.other}` is {limit}"
