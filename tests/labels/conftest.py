"""A run that the label stages' tests begin with."""

from pathlib import Path

import pytest

from pipeline.config.workspace import Workspace
from support.label_runs import NAMES, new_table
from support.photographs import make_instance, make_photo, make_truth, store


@pytest.fixture
def run(tmp_path: Path) -> Workspace:
    """A run of three images: two for training, one for evaluation."""
    for name, split in NAMES.items():
        store(tmp_path, make_photo(name, split), make_truth())
    return new_table(tmp_path, [make_instance(name, split) for name, split in NAMES.items()])
