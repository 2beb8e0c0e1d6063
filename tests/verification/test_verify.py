"""Verification of stages, their inputs and outputs: each kind of damage is named, and its remedy mends it."""

import hashlib
import re
import shutil
from pathlib import Path

import pytest

from support.command_line import semagic
from support.paths import ROOT
from support.verified import (
    MAKE,
    damage_lines,
    dvc,
    dvc_sees_nothing,
    flip,
    intact,
)

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")
"""DVC's use of pygtrie."""


def test_intact(check):
    lines = intact(check)
    # data: 3, model, table, code/make.py, seed, tool.py; archive, 2 files of the release, weights; 4 cached objects, as
    # `model` is like data/sub/three.
    assert lines[-1].startswith("verify: 16 files, ")
    assert lines[:-1] == ["not recorded: weights/toy-small/config.json"]


@pytest.mark.parametrize("path", ["model", "data/one", "data/sub/three", "table"])
def test_a_flipped_byte_in_an_output_is_found(check, path):
    dvc("status")
    flip(Path(path))
    assert dvc_sees_nothing(), "DVC believes size and time; else this test shows nothing"
    code, lines = check()
    found = hashlib.md5(Path(path).read_bytes()).hexdigest()
    (line,) = damage_lines(lines)
    assert code == 1 and lines[-1].endswith("1 damaged, 0 changed since stages ran")
    assert re.match(rf"damaged: {path}: expected md5 [0-9a-f]{{32}}, found {found}\. To mend it: ", line)
    Path(path).unlink()
    if path == "table":
        assert "delete it, then `dvc repro --force --single-item report`" in line
        dvc("repro", "--force", "--single-item", "report")
    else:
        assert f"delete it, then `dvc checkout {path.split('/')[0]}`" in line
        dvc("checkout", path.split("/")[0])
    intact(check)


def test_missing_and_foreign_files_in_a_folder_are_named(check):
    Path("data/sub/three").unlink()
    Path("data/extra").write_text("x")
    Path("data/ignored.pyc").write_text("x")
    code, lines = check()
    assert code == 1
    extra, missing = damage_lines(lines)
    assert re.match(r"damaged: data/extra: expected no such file, found [0-9a-f]{32}\. To mend it: delete it\.", extra)
    assert re.match(r"damaged: data/sub/three: expected md5 .*, found nothing.*`dvc checkout data`", missing)
    assert len(lines) == 4, "the stage `train`, which reads data/sub, is not named as well"


def test_a_missing_output_is_one_line(check):
    shutil.rmtree("data")
    code, lines = check()
    (line,) = damage_lines(lines)
    assert code == 1
    assert re.match(r"damaged: data: expected md5 [0-9a-f]{32}\.dir, found nothing\. .*`dvc checkout data`", line)
    dvc("checkout", "data")
    intact(check)


def test_an_edited_source_is_no_damage(check):
    Path("code/make.py").write_text(MAKE + "# More.\n")
    Path("tool.py").unlink()
    code, lines = check()
    assert code == 0 and damage_lines(lines) == []
    assert lines[:2] == [
        "changed since: code: data used another version of it. No damage: `dvc repro` updates the results.",
        "changed since: tool.py: train used another version of it. No damage: `dvc repro` updates the results.",
    ]
    assert lines[-1].endswith("0 damaged, 2 changed since stages ran")


def test_an_input_that_nothing_else_keeps_is_damage(check):
    flip(Path("seed"))
    code, lines = check()
    (line,) = damage_lines(lines)
    assert code == 1
    assert line.startswith("damaged: seed: expected md5 ") and "restore it; or, where the change is meant" in line
    # As soon as one stage has run with it, it was meant.
    dvc("repro", "--single-item", "report")
    code, lines = check()
    assert code == 0
    assert lines[0].startswith("changed since: seed: data used another version of it")


def test_a_stage_that_did_not_follow_an_earlier_one_is_no_damage(check):
    Path("seed").write_text("2\n")
    dvc("repro", "--single-item", "data")
    dvc("repro", "--single-item", "report")
    code, lines = check()
    assert code == 0
    assert lines[0].startswith("changed since: data/sub: train used another version of it")


def test_an_unreadable_file_is_damage(check, monkeypatch):
    opened = Path.open

    def broken(path, *arguments, **options):
        if path.name == "model":
            raise OSError(5, "Input/output error")
        return opened(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", broken)
    code, lines = check()
    assert code == 1
    assert "found (Input/output error)" in damage_lines(lines)[0]


@pytest.mark.parametrize("moment", ["is_file", "stat"])
def test_a_file_that_vanishes_meanwhile_is_missing(check, monkeypatch, moment):
    call = getattr(Path, moment)

    def vanishing(path, *arguments, **options):
        if path.name == "model":
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return call(path, *arguments, **options)

    monkeypatch.setattr(Path, moment, vanishing)
    code, lines = check()
    assert code == 1
    assert "damaged: model: expected md5 " in damage_lines(lines)[0] and "found nothing" in damage_lines(lines)[0]


def test_what_has_not_run_is_not_recorded(check):
    Path("dvc.lock").unlink()
    code, lines = check()
    assert code == 0
    assert "not recorded: outputs of 'data' (1), not made yet" in lines


def test_long_lists_are_cut(check):
    for number in range(30):
        (Path("data") / f"extra{number}").touch()
    code, lines = check()
    assert code == 1 and len(damage_lines(lines)) == 20
    assert "  and 10 more of the kind 'damaged'" in lines
    assert lines[-1].endswith("30 damaged, 0 changed since stages ran")


def test_another_root(check, tmp_path, monkeypatch):
    flip(Path("model"))
    monkeypatch.chdir(tmp_path)
    code, lines = check("--root", "toy")
    assert code == 1
    assert lines[0].startswith("damaged: model: ") and "`dvc checkout toy/model`" in lines[0]


@pytest.mark.parametrize("path", ["dvc.yaml", "dvc.lock", ".dvc/config"])
@pytest.mark.parametrize("content", [b"\xff\xfe\0", b"stages: [", b"[" * 200])
def test_a_pipeline_that_cannot_be_read_is_one_error(toy, path, content):
    Path(path).write_bytes(content)
    done = semagic("verify")
    assert done.exit_code == 1 and "Traceback" not in done.stderr
    assert "expected a pipeline in dvc.yaml, dvc.lock and .dvc/config, but DVC cannot read it" in done.stderr
    assert "restore it: git checkout dvc.yaml dvc.lock .dvc/config" in done.stderr


def test_a_folder_without_pipeline_or_downloads(tmp_path):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    done = semagic("verify", "--root", tmp_path)
    assert done.exit_code == 0
    assert done.stdout == "verify: 0 files, 0 bytes: 0 damaged, 0 changed since stages ran\n"
