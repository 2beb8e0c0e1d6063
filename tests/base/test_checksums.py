"""Checksums of a folder: any change of any byte is found, and the file is named."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.checksums import CHECKSUMS, DamagedFileError, checked, is_listed, read_checksums, write_checksums
from pipeline.base.errors import InputError
from pipeline.base.reported import reported

FILES = {"a.bin": b"content", "b.json": b"{}\n"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    write_checksums(tmp_path)
    return tmp_path


def test_coreutils_reads_the_list(folder: Path) -> None:
    done = subprocess.run(["sha256sum", "--check", CHECKSUMS], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stdout == "a.bin: OK\nb.json: OK\n"


def test_a_list_of_coreutils_is_read(folder: Path) -> None:
    done = subprocess.run(["sha256sum", *FILES], cwd=folder, capture_output=True, text=True, check=True)
    assert (folder / CHECKSUMS).read_text() == done.stdout
    (folder / CHECKSUMS).write_text(done.stdout.replace("  ", " *"))
    assert checked(folder / "a.bin").read_bytes() == b"content"


def test_equal_content_gives_an_equal_list_without_hidden_files(folder: Path, tmp_path: Path) -> None:
    before = (folder / CHECKSUMS).read_bytes()
    (folder / ".a.bin.partial").write_bytes(b"cont")
    (folder / ".note").write_bytes(b"mine")
    write_checksums(folder)
    assert (folder / CHECKSUMS).read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == [".note", CHECKSUMS, "a.bin", "b.json"]


@given(data=st.data(), name=st.sampled_from([*FILES, CHECKSUMS]))
def test_any_flipped_bit_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, name: str) -> None:
    folder = tmp_path_factory.mktemp("folder")
    for other, content in FILES.items():
        (folder / other).write_bytes(content)
    write_checksums(folder)
    content = bytearray((folder / name).read_bytes())
    bit = data.draw(st.integers(0, 8 * len(content) - 1))
    content[bit // 8] ^= 1 << bit % 8
    (folder / name).write_bytes(content)
    found = []
    for other in FILES:
        try:
            checked(folder / other)
        except InputError as error:
            found.append(str(error))
    assert found
    assert any(str(folder / place) in message for message in found for place in (name, *FILES))


def test_a_file_that_is_gone_or_torn_is_damage(folder: Path) -> None:
    (folder / "a.bin").write_bytes(b"conte")
    with pytest.raises(DamagedFileError, match=r"a\.bin: expected the content of SHA-256 \w{64}.*Run the same command"):
        checked(folder / "a.bin")
    (folder / "a.bin").unlink()
    with pytest.raises(DamagedFileError, match="found no file"):
        checked(folder / "a.bin")


def test_a_leftover_and_an_unfinished_folder_are_named(folder: Path) -> None:
    (folder / "c.bin").write_bytes(b"")
    assert is_listed(folder / "a.bin") and not is_listed(folder / "c.bin")
    with pytest.raises(InputError, match=r"c\.bin.*leftover.*sha256sum"):
        checked(folder / "c.bin")
    (folder / CHECKSUMS).unlink()
    with pytest.raises(InputError, match=r"expected a finished output.*dvc repro"):
        read_checksums(folder)


def test_a_changed_list_is_read_anew(folder: Path) -> None:
    assert checked(folder / "a.bin")
    (folder / "a.bin").write_bytes(b"another content")
    write_checksums(folder)
    assert checked(folder / "a.bin").read_bytes() == b"another content"


def test_a_stage_that_meets_damage_marks_the_files_as_changed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Damage leaves the time of change alone, by which DVC decides whether to hash a file again."""
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    (folder / "a.bin").write_bytes(b"cintent")
    with pytest.raises(SystemExit) as ended, reported():
        checked(folder / "a.bin")
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith(f"error: {folder}/a.bin: expected")
    changed = {path.name for path in folder.iterdir() if path.stat().st_mtime_ns != before[path.name]}
    assert changed == {"a.bin", CHECKSUMS}
