"""A trained toy category, which the tests of the public interface share."""

import pytest

from semagic import CategoryModel
from support.tiny_run import CELL, write_tiny_run


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """The workspace of a whole run at toy size."""
    return write_tiny_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="session")
def model(run):
    return CategoryModel.load(run.model(CELL))
