"""The record that a label stage leaves beside its labels."""

import json
from pathlib import Path

from pipeline.labels.run import Summary


def read_summary(folder: Path) -> Summary:
    """Read `summary.json` of a folder of labels."""
    return Summary(**json.loads((folder / "summary.json").read_text(encoding="utf-8")))
