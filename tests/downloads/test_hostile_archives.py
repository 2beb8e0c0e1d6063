"""Archives of somebody who means harm: names that collide or deceive, sizes that lie, and bombs."""

import gzip
import io
import stat
import struct
import tarfile
import time
import warnings
import zipfile
from pathlib import Path

import pytest

from pipeline.base.errors import InputError
from pipeline.downloads import members
from pipeline.downloads.archives import unpack
from pipeline.downloads.bounded import LARGEST_DIRECTORY, LARGEST_READ, ForwardGzip
from pipeline.downloads.members import PADDING
from support.publishers import tar_gz, zipped

LIMIT = 1_000_000
FILES = {"Toy/a": b"content", "Toy/b": b"other"}
MAKERS = {"toy.zip": zipped, "toy.tar.gz": tar_gz}
OTHERS = {"toy.zip": lambda name: (zipfile.ZipInfo(name), b"bad"), "toy.tar.gz": lambda name: tarfile.TarInfo(name)}


@pytest.fixture(params=list(MAKERS))
def name(request):
    return request.param


@pytest.fixture
def refused(tmp_path):
    """Unpacks an archive, and expects an error within seconds that leaves nothing behind."""

    def refused(name, content, match):
        path, target = tmp_path / name, tmp_path / "releases" / "toy"
        path.write_bytes(content)
        start = time.monotonic()
        with pytest.raises(InputError, match=match) as caught:
            unpack(path, target, "Toy", LIMIT)
        assert time.monotonic() - start < 10
        assert str(caught.value).startswith(f"{path}: ")
        assert not target.parent.exists() or not list(target.parent.iterdir())
        assert {item.name for item in tmp_path.iterdir()} <= {name, "releases"}

    return refused


def with_member(name, member):
    with warnings.catch_warnings():
        # zipfile warns of a name that is there twice.
        warnings.simplefilter("ignore")
        return MAKERS[name](FILES, OTHERS[name](member))


@pytest.mark.parametrize("member", ["Toy/a", "Toy/./a", "Toy//a"])
def test_a_file_that_is_there_twice_is_refused(name, refused, member):
    refused(name, with_member(name, member), "is there twice; nothing was unpacked")


@pytest.mark.parametrize("member", ["Toy", "Toy/a/c"])
def test_a_file_in_the_place_of_a_folder_is_refused(name, refused, member):
    refused(name, with_member(name, member), "is a file and a folder; nothing was unpacked")


@pytest.mark.parametrize(
    "member", ["Toy/\x1b[2Jx", "Toy/a\nb", f"Toy/{'a' * 256}", f"Toy/{'a/' * 2000}a", "Toy/\u202eb"]
)
def test_names_that_deceive_or_fit_no_disk_are_refused(name, refused, member):
    refused(name, with_member(name, member), r"has a name that is not allowed here; nothing was unpacked")


def test_names_that_are_one_on_the_disk_are_refused(name, refused, monkeypatch):
    """A file system that does not tell capital letters from small ones."""
    opened = Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, mode="r": opened(Path(str(path).replace("/A", "/a")) if mode == "xb" else path, mode)
    )
    refused(name, MAKERS[name]({"Toy/a": b"1", "Toy/A": b"2"}), "found two that are one on this disk.*Put a link")


def test_rights_are_not_taken_over(tmp_path):
    info = tarfile.TarInfo("Toy/program")
    info.mode = 0o6777
    (tmp_path / "toy.tar.gz").write_bytes(tar_gz({}, info))
    zip_info = zipfile.ZipInfo("Toy/program")
    zip_info.external_attr = (stat.S_IFREG | 0o6777) << 16
    (tmp_path / "toy.zip").write_bytes(zipped({}, (zip_info, b"#!/bin/sh")))
    for name in MAKERS:
        unpack(tmp_path / name, tmp_path / "toy", "Toy", LIMIT)
        assert not (tmp_path / "toy" / "Toy" / "program").stat().st_mode & 0o7111


def test_files_that_are_too_large_together_are_refused_by_their_stated_sizes(name, refused):
    files = {f"Toy/{i}": bytes(LIMIT // 4) for i in range(5)}
    refused(name, MAKERS[name](files), r"expected files of at most 1\.0 MB, found 1\.2 MB as it states itself")


def test_links_count_as_often_as_they_are_written(refused):
    links = [tarfile.TarInfo(f"Toy/{i}") for i in range(5)]
    for link in links:
        link.type, link.linkname = tarfile.SYMTYPE, "big"
    refused("toy.tar.gz", tar_gz({"Toy/big": bytes(LIMIT // 4)}, *links), "expected files of at most")


def test_a_stated_size_of_a_terabyte_is_refused_at_once(refused):
    info = tarfile.TarInfo("Toy/c")
    info.size = 10**12
    refused("toy.tar.gz", tar_gz(FILES, info), "its content has more than .* bytes|expected files of at most")


def test_a_stated_size_of_gigabytes_is_refused_before_anything_is_written(refused):
    refused("toy.zip", with_stated_size(0xFFFFFFF0), r"expected files of at most 1\.0 MB, found 4\.29 GB")


@pytest.mark.parametrize("size", [3, 20])
def test_a_stated_size_that_lies_is_damage(refused, size):
    refused("toy.zip", with_stated_size(size), "expected a whole archive, found a damaged one")


def with_stated_size(size):
    """A zip file of one file of 7 bytes, whose directory states another size."""
    content = bytearray(zipped({"Toy/a": b"content"}))
    directory = content.rindex(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = struct.pack("<I", size)
    return bytes(content)


def test_what_follows_the_last_file_is_bounded(refused):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        info = tarfile.TarInfo("Toy/a")
        archive.addfile(info)
    bomb = gzip.compress(stream.getvalue() + bytes(2 * PADDING), 1, mtime=0)
    assert len(bomb) < LIMIT
    refused("toy.tar.gz", bomb, "its content has more than")


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_other_compressions_are_not_read(refused, method):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("Toy/a", b"content")
    refused("toy.zip", stream.getvalue(), "compression .* which is not read")


def test_a_huge_directory_is_not_read(tmp_path):
    path, size = tmp_path / "toy.zip", LARGEST_DIRECTORY + 1
    with path.open("wb") as stream:
        stream.truncate(size)
        stream.seek(size)
        stream.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, size, 0, 0))
    with pytest.raises(InputError, match=f"its directory has {size} bytes"):
        unpack(path, tmp_path / "toy", "Toy", LIMIT)


def test_a_huge_header_is_not_read(refused):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("Toy/" + "a" * 2 * LARGEST_READ))
    refused("toy.tar.gz", gzip.compress(stream.getvalue(), mtime=0), "a header of .* bytes")


SPARSE = ({"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}, {"GNU.sparse.map": "0,1"}, {"GNU.sparse.size": "9"})


@pytest.mark.parametrize("headers", SPARSE)
def test_files_with_holes_are_not_read(refused, headers):
    info = tarfile.TarInfo("Toy/a")
    info.pax_headers, info.size = headers, 512
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(b"1\n0\n512\n".ljust(512, b"\0")))
    refused("toy.tar.gz", gzip.compress(stream.getvalue(), mtime=0), "a file with holes, which is not read")


def test_an_old_header_of_holes_is_not_read(refused):
    info = tarfile.TarInfo("Toy/a")
    info.type = tarfile.GNUTYPE_SPARSE
    refused("toy.tar.gz", tar_gz(FILES, info), "a file with holes, which is not read")


def test_the_number_of_members_is_bounded(name, refused, monkeypatch):
    monkeypatch.setattr(members, "MOST_MEMBERS", 3)
    refused(name, MAKERS[name]({f"Toy/{i}": b"" for i in range(4)}), "it has more than 3 members")


def test_an_archive_that_cannot_be_read_is_named(name, tmp_path):
    path = tmp_path / name
    with pytest.raises(
        InputError,
        match=f"{path}: expected a whole archive, found one that cannot be read \\(No such file or directory\\)",
    ):
        unpack(path, tmp_path / "toy", "Toy", LIMIT)
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fails_while_reading_is_not_taken_for_one_that_cannot_be_written(tmp_path, monkeypatch):
    path = tmp_path / "toy.tar.gz"
    path.write_bytes(tar_gz(FILES))

    def broken(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(ForwardGzip, "read", broken)
    with pytest.raises(
        InputError, match=f"{path}: expected a whole archive, found one that cannot be read \\(Input/output error\\)"
    ):
        unpack(path, tmp_path / "toy", "Toy", LIMIT)
