"""Tables that a spreadsheet writes, line by line, with errors that name the line and the column."""

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.base.errors import InputError
from pipeline.base.text_files import read_text

LARGEST = 1 << 25
"""Bytes that a table may have: 32 MiB."""
MOST_COLUMNS = 1000


@dataclass(frozen=True)
class Line:
    """The cells of one line, which are read by their columns; spaces round a cell do not count."""

    where: str
    """File and number of the line; errors begin with it."""
    header: tuple[str, ...]
    """Names of the columns, from the table's first line."""
    cells: tuple[str, ...]

    def text(self, column: str) -> str:
        """The cell of a column; empty where the table has no such column."""
        return dict(zip(self.header, self.cells, strict=False)).get(column, "")

    def one_of(self, column: str, valid: Sequence[str]) -> str:
        """The cell of a column that has one of a few values."""
        found = self.text(column)
        if found not in valid:
            raise self.wrong(column, f"{', '.join(valid[:-1])} or {valid[-1]}")
        return found

    def numbers(self, columns: Sequence[str]) -> tuple[float, ...] | None:
        """The numbers of some columns that are filled together; None where all are empty."""
        if not any(map(self.text, columns)):
            return None
        return tuple(map(self._number, columns))

    def wrong(self, column: str, expected: str) -> InputError:
        """The error of a cell, with what was expected in it."""
        found = self.text(column)
        return InputError(
            f"{self.where}, column '{column}': expected {expected}, found {repr(found) if found else 'nothing'}. "
            "Correct the cell."
        )

    def _number(self, column: str) -> float:
        try:
            number = float(self.text(column))
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise self.wrong(column, "a number such as 12.5")
        return number


def read_lines(table: Path) -> tuple[tuple[str, ...], list[Line]]:
    """The names of the columns, and the lines below them that are not empty.

    The table is UTF-8, with or without a byte order mark. Commas, semicolons or tabs separate values, whichever the
    first line has most of.

    Raises:
        InputError: the file is larger than `LARGEST`, it is not UTF-8 text, a line has more values than there are
            columns, a column is there twice, or there are more than `MOST_COLUMNS`.
    """
    lines = read_text(table, "Save it as CSV UTF-8.", LARGEST).splitlines(keepends=True)
    separator = max(",;\t", key=lines[0].count) if lines else ","
    rows = _rows(table, lines, separator)
    _, header = next(rows, (1, ()))
    if len(header) > MOST_COLUMNS:
        raise InputError(f"{table}, line 1: expected at most {MOST_COLUMNS} columns, found {len(header)}. Remove some.")
    for name in header:
        if header.count(name) > 1:
            raise InputError(f"{table}, line 1: expected each column once, found '{name}' again. Rename or remove it.")
    found = []
    for number, cells in rows:
        where = f"{table}, line {number}"
        if any(cells[len(header) :]):
            raise InputError(
                f"{where}: expected {len(header)} values, as in the first line, found {len(cells)}. Take out what is "
                f"too much, or put text with '{separator}' into quotes."
            )
        if any(cells):
            found.append(Line(where, header, cells))
    return header, found


def _rows(table: Path, lines: list[str], separator: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Number and cells of each row; a row may take several lines, of which this is the last."""
    reader = csv.reader(lines, delimiter=separator)
    try:
        for cells in reader:
            yield reader.line_num, tuple(cell.strip() for cell in cells)
    except csv.Error as error:
        raise InputError(
            f"{table}, line {reader.line_num}: expected values between '{separator}', found something else ({error}). "
            "Correct the line."
        ) from None
