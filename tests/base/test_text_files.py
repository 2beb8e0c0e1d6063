"""Text from outside: what is refused, and that the error names file and line."""

import os

import pytest

from pipeline.base.errors import InputError
from pipeline.base.text_files import read_text

REMEDY = "Restore it."


@pytest.mark.parametrize(
    ("content", "line", "found"),
    [
        (b"a\nb\n\xff\n", 3, "0xff"),
        (b"a: \xc3", 1, "0xc3"),
        (b"a\n\nb\x00", 3, r"U\+0000"),
        (b"a\x1b[31m", 1, r"U\+001B"),
        (b"a\xef\xbb\xbf", 1, r"U\+FEFF"),
        ("a\nb\u2028c".encode(), 2, r"U\+2028"),
        (b"a\nb\rc", 2, r"U\+000D"),
        ("caf\u0085".encode(), 1, r"U\+0085"),
    ],
)
def test_what_is_no_plain_text_is_named_with_its_line(tmp_path, content, line, found):
    (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(InputError, match=rf"list\.txt, line {line}: expected .*{found}\."):
        read_text(tmp_path / "list.txt", REMEDY)


def test_text_is_read_whole_and_line_ends_become_one(tmp_path):
    (tmp_path / "list.txt").write_bytes("\ufeffgrün\tπ 😀\r\nlast".encode())
    assert read_text(tmp_path / "list.txt", REMEDY) == "grün\tπ 😀\nlast"


def test_a_file_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    for path in (tmp_path, tmp_path / "none", tmp_path / "pipe"):
        if path.name == "pipe":
            os.mkfifo(path)
        with pytest.raises(InputError, match=rf"{path.name}: expected a text file, found none\. Restore it\."):
            read_text(path, REMEDY)
    (tmp_path / "large").write_bytes(b"x" * 11)
    assert len(read_text(tmp_path / "large", REMEDY, largest=11)) == 11
    with pytest.raises(InputError, match=r"large: expected a text file of at most 10 bytes, found more\. Restore"):
        read_text(tmp_path / "large", REMEDY, largest=10)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(InputError, match=r"large: cannot be read \(Permission denied\)\. Restore"):
        read_text(tmp_path / "large", REMEDY)
