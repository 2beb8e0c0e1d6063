"""The repository that the tests damage."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from support.command_line import semagic
from support.verified import make_repository


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    folder, before = tmp_path_factory.mktemp("original"), Path.cwd()
    os.chdir(folder)
    try:
        make_repository()
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def toy(original, tmp_path, monkeypatch):
    """Three stages that have run, and a release and weights that are installed."""
    root = tmp_path / "toy"
    # DVC's copies are read-only, also its times stay.
    shutil.copytree(original, root, symlinks=True)
    monkeypatch.chdir(root)
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    return root


@pytest.fixture
def check(toy):
    """Runs the command; gives its exit code and the lines of its report."""

    def check(*options):
        done = semagic("verify", *options)
        return done.exit_code, done.stdout.splitlines()

    return check
