"""Masks that come with photographs of one's own: the files that photographs.csv names."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.workspace import Workspace
from pipeline.labels.given import GivenTable, read_given
from pipeline.labels.masks import MaskLabel
from pipeline.photographs.photo import Photo
from pipeline.photographs.records import Instance


@dataclass(frozen=True)
class GivenMasks:
    """The masks in the column `mask`, pixel by pixel."""

    table: GivenTable

    def masks(self, photos: Sequence[Photo]) -> list[MaskLabel]:
        return [MaskLabel(self.table.row(photo.instance).read_mask(*photo.image.shape[:2])) for photo in photos]

    def files(self, instance: Instance) -> list[Path]:
        row = self.table.rows.get(instance.key)
        return [] if row is None or row.mask is None else [row.mask]


def make(workspace: Workspace) -> GivenMasks:
    """The masks of the photographs.csv of `data.folder`.

    Raises:
        InputError: the table is missing or malformed.
    """
    return GivenMasks(read_given(workspace))
