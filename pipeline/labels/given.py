"""Lines of photographs.csv by instance, for the backends `given` of masks and poses."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.base.errors import InputError
from pipeline.config.workspace import Workspace
from pipeline.data.photographs_csv import Row, read_rows
from pipeline.photographs.records import Instance


@dataclass(frozen=True)
class GivenTable:
    """The lines of a photographs.csv, by instance."""

    path: Path
    rows: Mapping[str, Row]
    """The line of each instance, by the instance's key."""

    def row(self, instance: Instance) -> Row:
        """The line of an instance.

        Raises:
            InputError: the table has none.
        """
        if instance.key not in self.rows:
            raise InputError(
                f"{self.path}: expected a line of the photograph '{instance.key}', found none. Add it, or choose a "
                "backend other than 'given' in params.yaml."
            )
        return self.rows[instance.key]


def read_given(workspace: Workspace) -> GivenTable:
    """Read the photographs.csv of `data.folder`.

    Raises:
        InputError: the table is missing or malformed.
    """
    path = workspace.photographs_csv
    return GivenTable(path, {row.key: row for row in read_rows(path)})
