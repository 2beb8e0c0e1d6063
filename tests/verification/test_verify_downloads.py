"""Verification of what was downloaded: each kind of damage is named, and its remedy mends it."""

import shutil
import sys
from pathlib import Path

import pytest

from pipeline.downloads.manifest import Manifest, write_manifest
from stages import fetch
from support.verified import SHA256, damage_lines, fetch_again, flip, intact

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")
"""DVC's use of pygtrie."""


def test_a_damaged_archive_is_named(check):
    flip(Path("downloads/toy.tar.gz"))
    code, lines = check()
    (line,) = damage_lines(lines)
    assert code == 1
    assert line.startswith(f"damaged: downloads/toy.tar.gz: expected sha256 {SHA256}, found ")
    assert "delete it; `python -m stages.fetch --release toy`" in line


@pytest.mark.parametrize("damage", [flip, Path.unlink])
def test_a_damaged_file_of_a_release_is_named(check, damage, monkeypatch, capsys):
    damage(Path("releases/toy/Toy/pairs/1:car.json"))
    code, lines = check()
    (line,) = damage_lines(lines)
    assert code == 1
    assert line.startswith("damaged: releases/toy/Toy/pairs/1:car.json: expected sha256 ")
    assert "delete it; `python -m stages.fetch --release toy` unpacks it again" in line
    Path("releases/toy/Toy/pairs/1:car.json").unlink(missing_ok=True)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "argv", ["fetch", "--release", "toy"])
        fetch.main()
    capsys.readouterr()
    intact(check)


def test_a_release_that_is_half_there_is_named(check):
    Path("releases/toy/files.json").unlink()
    code, lines = check()
    assert code == 1
    assert damage_lines(lines)[0].startswith("damaged: releases/toy: expected files.json, which a whole release has,")
    fetch_again()
    write_manifest(Path("releases/toy"), Manifest("0" * 64, {}))
    code, lines = check()
    assert code == 1
    assert f"expected what the archive of sha256 {SHA256} holds, found what that of {'0' * 64}" in lines[0]


def test_weights_that_were_never_fetched_are_no_damage(check):
    shutil.rmtree("weights/toy-small")
    Path("weights/toy-small").mkdir()
    code, lines = check()
    assert code == 0 and not damage_lines(lines)


def test_weights_of_which_a_file_is_missing_are_named(check):
    Path("weights/toy-small/model.safetensors").unlink()
    code, lines = check()
    (line,) = damage_lines(lines)
    assert code == 1 and line.startswith("damaged: weights/toy-small/model.safetensors: expected sha256 ")


def test_damaged_weights_are_named(check):
    flip(Path("weights/toy-small/model.safetensors"))
    code, lines = check()
    (line,) = damage_lines(lines)
    assert code == 1
    assert line.startswith("damaged: weights/toy-small/model.safetensors: expected sha256 ")
    assert "delete it; `semagic weights toy-small` fetches it again" in line
