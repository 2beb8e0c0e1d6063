"""Annotations that come with a folder of photographs: the columns of photographs.csv, all but `image` optional."""

from dataclasses import replace
from pathlib import Path

from pipeline.base.errors import InputError
from pipeline.data.csv_lines import read_lines
from pipeline.data.photographs_csv import Row, read_rows


def read_annotations(table: Path, category: str) -> dict[Path, Row]:
    """The lines of a table by the resolved path of the photograph; lines of other categories are left out.

    Raises:
        InputError: the table is missing or malformed, or has no line of the category.
    """
    if not table.is_file():
        raise InputError(f"{table}: expected the table of annotations, found no file. Correct the path of --table.")
    header, _ = read_lines(table)
    rows = read_rows(table, {"category": category, "split": "train"}, boxes=False)
    kept = [row for row in rows if row.category == category]
    if not kept:
        named = ", ".join(sorted({row.category for row in rows})) or "no lines"
        raise InputError(f"{table}: expected lines of the category '{category}', found {named}. Correct one of both.")
    chosen = "split" in header
    return {row.image.resolve(): row if chosen else replace(row, split="") for row in kept}
