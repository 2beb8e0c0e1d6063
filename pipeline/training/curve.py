"""The loss curve as CSV, for DVC plots and people."""

import io
from pathlib import Path

import pandas as pd

from pipeline.base.files import write_text
from pipeline.training.trainer import CURVE_COLUMNS


def write_curve(path: Path, rows: list[list[float]]) -> None:
    """Write rows of `CURVE_COLUMNS`; steps and vertex counts as integers."""
    frame = pd.DataFrame(rows, columns=list(CURVE_COLUMNS)).astype({"step": int, "vertices": int})
    text = io.StringIO()
    frame.to_csv(text, index=False, float_format="%.6g", lineterminator="\n")
    write_text(path, text.getvalue())
