"""Interface of a dataset reader, which gives the paper's rules annotated photographs and candidate pairs."""

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from pipeline.base.errors import InputError
from pipeline.photographs.records import Instance, Pair


class NoPairsError(InputError):
    """A dataset has no pairs of a category in a split."""


class Found(NamedTuple):
    """Annotated photographs of one category in a dataset, in the order of their names."""

    instances: tuple[Instance, ...]
    """Photographs that can be used, flagged ones included; `image` is absolute or begins with the workspace's root."""
    skipped: dict[str, str]
    """Reason for each photograph that cannot be used, by its name."""
    source: Path
    """Folder or file that lists the photographs; errors name it."""


@runtime_checkable
class DatasetReader(Protocol):
    """Anything that reads the photographs and pairs of a dataset, from which the paper's rules then select.

    Each method raises InputError where the dataset is missing or damaged, contradicts itself, or has nothing of the
    category.
    """

    def training(self, category: str) -> Found | None:
        """Photographs to learn from, with the split 'train'; None where the dataset has no training half."""
        ...

    def pairs(self, category: str, split: str) -> tuple[Pair, ...]:
        """Pairs of photographs with common keypoints in one split, in the order in which they are evaluated.

        Raises:
            NoPairsError: the split has none of the category.
        """
        ...

    def unpaired(self, category: str, split: str) -> Found | None:
        """The photographs of a split in which nobody has annotated keypoints; None where the split has some."""
        ...

    def evaluation(self, category: str, names: Collection[str], split: str) -> Found:
        """Photographs that pairs name, with the split `split`."""
        ...
