"""Names from outside: no path that is made of them leaves its folder."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.base.inside import inside, is_name

BAD = ["", ".", "..", "a/b", "/etc/passwd", "../x", "a\0b", "a\nb", "\udc80", "\u202eb", "x" * 256, "ä" * 128]


def test_plain_names_lead_below_the_folder(tmp_path):
    assert inside(tmp_path, "Images", "car", "2008_000001-b:car.jpg") == tmp_path / "Images/car/2008_000001-b:car.jpg"
    assert inside(tmp_path, "...", "ä b", "~", "-") == tmp_path / ".../ä b/~/-"
    assert inside(tmp_path) == tmp_path


@pytest.mark.parametrize("name", BAD)
def test_other_names_are_errors_that_name_the_folder(name, tmp_path):
    for names in ((name,), ("a", name), (name, "a")):
        with pytest.raises(InputError, match="below this folder, found .*Correct") as found:
            inside(tmp_path, *names)
        assert str(tmp_path) in str(found.value)


@given(st.lists(st.text("ab./~ä\0\n\u202e", max_size=4), min_size=1, max_size=3))
def test_a_path_that_is_returned_has_as_many_parts_as_names(names):
    if all(map(is_name, names)):
        path = inside(Path("/root"), *names)
        assert path.parts == ("/", "root", *names) and os.path.normpath(path) == str(path)
    else:
        with pytest.raises(InputError):
            inside(Path("/root"), *names)


def test_links_may_lead_within_the_folder_only(tmp_path):
    root, other = tmp_path / "root", tmp_path / "other"
    (root / "a").mkdir(parents=True)
    other.mkdir()
    (root / "a" / "file").write_text("")
    (other / "file").write_text("")
    (root / "within").symlink_to("a")
    (root / "file").symlink_to(root / "a" / "file")
    (root / "out").symlink_to(other)
    (root / "up").symlink_to("..")
    (root / "a" / "passwd").symlink_to("/etc/passwd")
    (root / "loop").symlink_to("loop")
    (tmp_path / "link").symlink_to(root)
    for start in (root, tmp_path / "link"):
        assert inside(start, "within", "file") == start / "within" / "file"
        assert inside(start, "file") == start / "file"
        for names in (("out", "file"), ("out", "missing"), ("up", "other", "file"), ("a", "passwd")):
            with pytest.raises(InputError, match="found a link that leads to .*copy"):
                inside(start, *names)
        assert not inside(start, "loop").is_file()
