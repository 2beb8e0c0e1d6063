"""Result files, read for MLflow: every kind of damage gives an error that names the file."""

import csv
import json
from pathlib import Path
from typing import Any

from pipeline.base.contents import parsing
from pipeline.base.text_files import read_text

LARGEST = 1 << 28
"""Bytes of the largest file that is read."""
LARGEST_STEP = 1 << 62
REMEDY = "Remove it and run `dvc repro`, which restores it or makes it again."


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file whose top is a mapping.

    Raises:
        InputError: the file cannot be read, or is something else.
    """
    with parsing(path, "a JSON object"):
        content = json.loads(read_text(path, REMEDY, LARGEST))
        if not isinstance(content, dict):
            raise TypeError(f"the JSON is of type {type(content).__name__}")
        return content


def read_description(path: Path) -> tuple[dict[str, Any], str]:
    """Read the parameters and the identity of a training from its `model.json`.

    Raises:
        InputError: the file cannot be read, or has none.
    """
    content = read_json(path)
    with parsing(path, "`config` with parameters and `identity` with a hash"):
        config, identity = content["config"], content["identity"]
        if not isinstance(config, dict) or not isinstance(identity, str):
            raise TypeError("entries of another type")
        return config, identity


def read_curve(path: Path) -> list[tuple[int, dict[str, float]]]:
    """Read a loss curve: the step of each row, and its values.

    Raises:
        InputError: the file cannot be read, or a row is not one number for each column.
    """
    with parsing(path, "rows of numbers under a header with `step`"):
        # Strict, so that quotes in the wrong place are an error.
        lines = csv.reader(read_text(path, REMEDY, LARGEST).splitlines(), strict=True)
        header, *rows = [row for row in lines if row]
        step = header.index("step")
        return [(_step(row[step]), _values(header, row)) for row in rows]


def _step(text: str) -> int:
    step = int(text)
    if not 0 <= step < LARGEST_STEP:
        raise ValueError(f"the step {step}")
    return step


def _values(header: list[str], row: list[str]) -> dict[str, float]:
    # An empty field belongs to a loss term that was not evaluated in that step.
    return {name: float(value) for name, value in zip(header, row, strict=True) if value}
