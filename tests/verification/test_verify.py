"""Verification of a small DVC repository with downloads: each kind of damage is named, and its remedy mends it."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.base.yaml_text import to_yaml
from pipeline.downloads.archives import unpack
from pipeline.downloads.manifest import Manifest, write_manifest
from stages import fetch
from support.command_line import semagic
from support.paths import ROOT
from support.publishers import pins_text, tar_gz

FILES = {"Toy/a.bin": bytes(range(256)) * 10, "Toy/pairs/1:car.json": b"{}"}
ARCHIVE = tar_gz(FILES)
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()
WEIGHTS = b"weights"

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")
"""DVC's use of pygtrie."""

STAGES = {
    "data": {"cmd": "python code/make.py", "deps": ["code", "seed"], "outs": ["data"]},
    "train": {"cmd": "cat data/sub/* > model", "deps": ["data/sub", "tool.py"], "outs": ["model"]},
    "report": {"cmd": "cp model table", "deps": ["model", "seed"], "outs": [{"table": {"cache": False}}]},
}
MAKE = """
from pathlib import Path
Path("data/sub").mkdir(parents=True)
for name in ("one", "two", "sub/three"):
    (Path("data") / name).write_text(Path("seed").read_text() + name)
"""


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True)


def dvc(*arguments):
    """Run a command of DVC in this process, which is faster than another one."""
    from dvc.cli import main

    assert main(list(arguments)) == 0


def dvc_sees_nothing():
    from dvc.repo import Repo

    with Repo() as repo:
        return repo.status() == {}


def make_repository():
    run("git", "init", "--quiet")
    dvc("init", "--quiet")
    Path("code").mkdir()
    Path("code/make.py").write_text(MAKE)
    Path("tool.py").write_text("# Code.\n")
    Path("seed").write_text("1\n")
    Path("dvc.yaml").write_text(to_yaml({"stages": STAGES}))
    Path(".dvcignore").write_text("*.pyc\n")
    # The config of the machine names no user.
    run("git", "add", "code", "tool.py", "dvc.yaml")
    dvc("repro", "--quiet")
    shutil.copy(ROOT / "params.yaml", "params.yaml")
    pin = {"bytes": len(WEIGHTS), "sha256": hashlib.sha256(WEIGHTS).hexdigest()}
    files = {"model.safetensors": pin, "config.json": {"bytes": None, "sha256": None}}
    weights = {
        "toy-small": {
            "title": "Toy",
            "approximate_megabytes": 1,
            "repository": "a/b",
            "revision": "c",
            "licence": "MIT",
            "files": files,
        }
    }
    Path("downloads.yaml").write_text(pins_text("http://nowhere.invalid/toy.tar.gz", "Toy", None, SHA256, weights))
    for name, content in {"downloads/toy.tar.gz": ARCHIVE, "weights/toy-small/model.safetensors": WEIGHTS}.items():
        Path(name).parent.mkdir(parents=True)
        Path(name).write_bytes(content)
    Path("weights/toy-small/config.json").write_text("{}")
    fetch_again()


def fetch_again():
    target = Path("releases/toy")
    write_manifest(target, Manifest(SHA256, unpack(Path("downloads/toy.tar.gz"), target, "Toy", 10**7)))


@pytest.fixture(scope="module")
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


def flip(path):
    """Another byte, with size and time as before."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size and path.stat().st_mtime_ns == before.st_mtime_ns


def damage_lines(lines):
    return [line for line in lines if line.startswith("damaged: ")]


def intact(check):
    code, lines = check()
    assert code == 0
    assert lines[-1].endswith("0 damaged, 0 changed since stages ran")
    return lines


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


def test_a_damaged_copy_in_the_cache_is_not_recommended(check):
    md5 = hashlib.md5(Path("model").read_bytes()).hexdigest()
    flip(cached(md5))
    flip(Path("model"))
    code, lines = check()
    assert code == 1
    (line,) = (line for line in damage_lines(lines) if line.startswith("damaged: model: "))
    assert "`dvc repro --force --single-item train` (DVC's cache has no whole copy)" in line


def cached(md5):
    """The object of DVC's cache with this hash, which is read-only."""
    return Path(".dvc/cache/files/md5") / md5[:2] / md5[2:]


@pytest.mark.parametrize("output", ["model", "data/one"])
def test_a_damaged_copy_of_a_whole_output_is_replaced_by_it(check, output):
    path = cached(hashlib.md5(Path(output).read_bytes()).hexdigest())
    flip(path)
    path.chmod(0o444)
    assert dvc_sees_nothing(), "DVC believes a read-only object; else this test shows nothing"
    code, lines = check()
    (line,) = damage_lines(lines)
    assert code == 1 and line.startswith(f"damaged: {path}: expected md5 {path.parent.name}{path.name}, found ")
    run(*re.search("`(.*)`", line)[1].split())
    intact(check)


def test_a_damaged_list_of_a_folder_is_made_again(check):
    (path,) = Path(".dvc/cache/files/md5").glob("*/*.dir")
    flip(path)
    code, lines = check()
    assert code == 1 and damage_lines(lines)[0].startswith(f"damaged: {path}: expected md5 ")
    assert "delete it; `dvc repro` makes it again" in damage_lines(lines)[0]
    path.unlink()
    dvc("repro")
    intact(check)


def test_a_damaged_copy_that_nothing_refers_to_is_named(check):
    path = cached("0" * 32)
    path.parent.mkdir()
    path.write_text("of an earlier experiment")
    path.with_name("of a killed process.tmp").touch()
    code, lines = check()
    assert code == 1 and damage_lines(lines)[0].startswith(f"damaged: {path}: expected md5 {'0' * 32}, found ")


def test_of_a_cache_that_others_share_only_what_is_used_is_read(check, tmp_path):
    shutil.move(".dvc/cache", tmp_path / "shared")
    Path(".dvc/config").write_text(f"[cache]\n    dir = {tmp_path / 'shared'}\n")
    other = tmp_path / "shared/files/md5/00" / ("0" * 30)
    other.parent.mkdir()
    other.write_text("of somebody else")
    intact(check)
    md5 = hashlib.md5(Path("model").read_bytes()).hexdigest()
    flip(tmp_path / "shared/files/md5" / md5[:2] / md5[2:])
    code, lines = check()
    assert code == 1 and len(damage_lines(lines)) == 1


def test_without_the_cache_a_folder_differs_as_a_whole(check):
    shutil.rmtree(".dvc/cache")
    intact(check)
    flip(Path("data/one"))
    code, lines = check()
    (line,) = damage_lines(lines)
    assert code == 1
    assert re.match(r"damaged: data: expected md5 \w+\.dir, found \w+\.dir.*`dvc repro --force .* data`", line)


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
