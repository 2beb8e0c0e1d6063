"""Verification of DVC's cache: a damaged copy is named, and nothing that would bring it back is recommended."""

import hashlib
import re
import shutil
from pathlib import Path

import pytest

from support.verified import (
    damage_lines,
    dvc,
    dvc_sees_nothing,
    flip,
    intact,
    run,
)

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")
"""DVC's use of pygtrie."""


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
