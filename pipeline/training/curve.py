"""The loss curve: its columns, and its file for DVC plots, MLflow and people."""

import io
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from pipeline.base.files import write_text
from pipeline.training.objective import Terms
from pipeline.training.setback import Setback

CURVE_COLUMNS = ("step", "total", *Terms._fields, "vertices")
"""Columns of the loss curve; the terms are unweighted."""
SETBACK = "setback"
"""Column of a training that went back: the step that had failed, in the first row after the return, otherwise empty."""


def named_rows(rows: Sequence[Sequence[float]], setback: Setback | None) -> list[dict[str, float]]:
    """Rows of a loss curve by column; only the row that `SETBACK` is about has that column."""
    named = [dict(zip(CURVE_COLUMNS, row, strict=True)) for row in rows]
    if setback:
        after = [row for row in named if row["step"] > setback.back_to]
        after[:1] = [row | {SETBACK: setback.step} for row in after[:1]]
        named[len(named) - len(after) :] = after
    return named


def write_curve(path: Path, rows: Sequence[Sequence[float]], setback: Setback | None = None) -> None:
    """Write rows of `CURVE_COLUMNS`; steps and vertex counts as integers."""
    integers = {"step": int, "vertices": int} | ({SETBACK: "Int64"} if setback else {})
    frame = pd.DataFrame(named_rows(rows, setback), columns=[*CURVE_COLUMNS, *([SETBACK] if setback else [])])
    text = io.StringIO()
    frame.astype(integers).to_csv(text, index=False, float_format="%.6g", lineterminator="\n")
    write_text(path, text.getvalue())
