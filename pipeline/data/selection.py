"""What a reader of a release hands on: usable instances, and why others are not."""

from typing import NamedTuple

from pipeline.photographs.records import Instance


class Selection(NamedTuple):
    """Instances of one category, in the order of their names."""

    instances: tuple[Instance, ...]
    skipped: dict[str, str]
    """Reason for each name that was left out."""
