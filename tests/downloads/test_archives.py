"""Unpacking: what is written, what is refused before anything is written, and what a failure leaves behind."""

import errno
import hashlib
import io
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from pipeline.base.errors import InputError
from pipeline.downloads import archives
from pipeline.downloads.archives import unpack
from pipeline.downloads.digest import Digest
from support.paths import ROOT
from support.publishers import tar_gz, zipped

FILES = {
    "Toy/PairAnnotation/test/000001-2008_001546-2008_000251:aeroplane.json": b"{}",
    "Toy/a.bin": bytes(range(256)) * 5000,
    "Toy/empty": b"",
    "._Toy": b"beside",
}
DIGESTS = {name: Digest(len(content), hashlib.sha256(content).hexdigest()) for name, content in FILES.items()}
LIMIT = 10_000_000
MAKERS = {"toy.zip": zipped, "toy.tar.gz": tar_gz}


@pytest.fixture(params=list(MAKERS))
def archive(request, tmp_path):
    path = tmp_path / "downloads" / request.param
    path.parent.mkdir()
    path.write_bytes(MAKERS[request.param](FILES))
    return path


@pytest.fixture
def target(tmp_path):
    return tmp_path / "releases" / "toy"


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def fails(path, target, match):
    """Nothing is left beside the target, which is as before."""
    before = contents(target)
    with pytest.raises(InputError, match=match) as caught:
        unpack(path, target, "Toy", LIMIT)
    assert contents(target) == before
    assert not target.parent.exists() or {item.name for item in target.parent.iterdir()} <= {target.name}
    return str(caught.value)


def succeeds(path, target):
    assert unpack(path, target, "Toy", LIMIT) == DIGESTS
    assert contents(target) == FILES
    assert [item.name for item in target.parent.iterdir()] == [target.name]


def test_everything_is_unpacked(archive, target):
    succeeds(archive, target)


def test_what_was_there_is_replaced(archive, target):
    (target / "Toy" / "a.bin").mkdir(parents=True)
    (target / "Toy" / "old").touch()
    (target.parent / f".{target.name}.unpacking").mkdir()
    (target.parent / f".{target.name}.unpacking" / "of a killed run").touch()
    succeeds(archive, target)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_archive_is_damaged(archive, target, share):
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(share * len(whole))])
    fails(archive, target, f"{archive}: expected a whole archive, found a damaged one .* Delete it and run this again")
    archive.write_bytes(whole)
    succeeds(archive, target)


@pytest.mark.parametrize("name", list(MAKERS))
def test_every_flipped_byte_is_noticed_or_harmless(tmp_path, target, name):
    """Checksums cover the content; a header may hold a time or a comment."""
    path = tmp_path / name
    whole = MAKERS[name]({"Toy/a": os.urandom(3000)})
    content = None
    for position in range(0, len(whole), 37):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x10]) + whole[position + 1 :])
        try:
            unpack(path, target, "Toy", LIMIT)
        except InputError:
            continue
        content = content or contents(target)
        assert set(contents(target).values()) == set(content.values())


def test_a_page_in_place_of_an_archive_is_damaged(archive, target):
    archive.write_bytes(b"<html>Please log in</html>")
    fails(archive, target, "found a damaged one")


def test_another_archive_is_noticed(archive, target):
    with pytest.raises(InputError, match=r"expected files in the folder SPair-71k, found none.*`folder`"):
        unpack(archive, target, "SPair-71k", LIMIT)
    assert not target.exists()


def test_another_ending_is_refused(tmp_path, target):
    (tmp_path / "toy.rar").touch()
    fails(tmp_path / "toy.rar", target, "expected a .zip or .tar.gz archive by its name")


@pytest.mark.parametrize("name", ["../x", "/x", "Toy/../../x", "Toy/a/../../x"])
def test_a_path_outside_is_refused_before_anything_is_written(archive, target, name, monkeypatch):
    archive.write_bytes(MAKERS[archive.name]({**FILES, name: b"bad"}))
    monkeypatch.setattr(archives, "_write", pytest.fail)
    message = fails(archive, target, "would be written outside of the folder; nothing was unpacked")
    assert f"'{name}'" in message


def tar_member(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def zip_member(name, mode, content=b""):
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (mode | 0o644) << 16
    return info, content


UNSAFE = {
    "symlink to a parent": tar_member("Toy/link", tarfile.SYMTYPE, "../../x"),
    "symlink to a root path": tar_member("Toy/link", tarfile.SYMTYPE, "/etc/passwd"),
    "symlink to a folder": tar_member("Toy/link", tarfile.SYMTYPE, "."),
    "symlink to nothing": tar_member("Toy/link", tarfile.SYMTYPE, "missing"),
    "hard link to a parent": tar_member("Toy/link", tarfile.LNKTYPE, "../x"),
    "hard link to a root path": tar_member("Toy/link", tarfile.LNKTYPE, "/etc/passwd"),
    "device": tar_member("Toy/null", tarfile.CHRTYPE),
    "pipe": tar_member("Toy/pipe", tarfile.FIFOTYPE),
    "zip symlink to a parent": zip_member("Toy/link", stat.S_IFLNK, b"../../x"),
    "zip symlink to a root path": zip_member("Toy/link", stat.S_IFLNK, b"/etc/passwd"),
    "zip device": zip_member("Toy/null", stat.S_IFCHR),
}


@pytest.mark.parametrize("kind", list(UNSAFE))
def test_links_outside_and_devices_are_refused_before_anything_is_written(tmp_path, target, kind, monkeypatch):
    member = UNSAFE[kind]
    name, make = ("toy.zip", zipped) if isinstance(member, tuple) else ("toy.tar.gz", tar_gz)
    (tmp_path / name).write_bytes(make(FILES, member))
    monkeypatch.setattr(archives, "_write", pytest.fail)
    fails(tmp_path / name, target, "nothing was unpacked. Such an archive is not to be trusted")


def test_links_to_files_inside_become_copies(tmp_path, target):
    links = [
        tar_member("Toy/soft", tarfile.SYMTYPE, "a.bin"),
        tar_member("Toy/sub/soft", tarfile.SYMTYPE, "../a.bin"),
        tar_member("Toy/hard", tarfile.LNKTYPE, "Toy/a.bin"),
    ]
    (tmp_path / "toy.tar.gz").write_bytes(tar_gz(FILES, *links))
    found = unpack(tmp_path / "toy.tar.gz", target, "Toy", LIMIT)
    for name in ("Toy/soft", "Toy/sub/soft", "Toy/hard"):
        assert found[name] == DIGESTS["Toy/a.bin"]
        assert not (target / name).is_symlink() and (target / name).read_bytes() == FILES["Toy/a.bin"]
    (tmp_path / "toy.zip").write_bytes(zipped(FILES, zip_member("Toy/soft", stat.S_IFLNK, b"a.bin")))
    assert unpack(tmp_path / "toy.zip", target, "Toy", LIMIT) == {**DIGESTS, "Toy/soft": DIGESTS["Toy/a.bin"]}


def test_empty_folders_are_made(tmp_path, target):
    (tmp_path / "toy.tar.gz").write_bytes(tar_gz(FILES, tar_member("Toy/none", tarfile.DIRTYPE)))
    (tmp_path / "toy.zip").write_bytes(zipped({**FILES, "Toy/none/": b""}))
    for name in MAKERS:
        unpack(tmp_path / name, target, "Toy", LIMIT)
        assert (target / "Toy" / "none").is_dir()


@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize(
    ("code", "advice"), [(errno.ENOSPC, "free some space"), (errno.EDQUOT, "free some"), (errno.EACCES, "writable")]
)
def test_a_failing_write_leaves_the_target_as_it_was(archive, target, monkeypatch, before, code, advice):
    if before:
        (target / "Toy").mkdir(parents=True)
        (target / "Toy" / "old").write_bytes(b"old")

    class Full(io.FileIO):
        def write(self, data):
            if self.tell() + len(data) > 1000:
                raise OSError(code, os.strerror(code))
            return super().write(data)

    opened = Path.open
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", lambda path, mode="r": Full(path, "w") if mode == "xb" else opened(path, mode))
        fails(archive, target, f"{target}: cannot be written .*{advice}.*Nothing incomplete was left behind")
    assert target.exists() == before
    succeeds(archive, target)


def test_too_little_space_is_noticed_before_anything_is_written(archive, target, monkeypatch):
    usage = shutil.disk_usage(archive.parent)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1_000_000))
        patched.setattr(archives, "_write", pytest.fail)
        fails(archive, target, "unpacking needs 1.3 MB on this disk, 1.0 MB are free")
    succeeds(archive, target)


UNPACK = "import sys, pathlib; from pipeline.downloads.archives import unpack; "
UNPACK += "a, b = map(pathlib.Path, sys.argv[1:]); unpack(a, b, 'Toy', 10**8)"


def unpack_elsewhere(archive, target, *before, **options):
    command = [*before, sys.executable, "-c", UNPACK, str(archive), str(target)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, **options)


def limit_files():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


def test_a_real_quota_leaves_no_target(archive, target):
    ended = unpack_elsewhere(archive, target, preexec_fn=limit_files)
    assert ended.returncode == 1
    assert f"InputError: {target}: cannot be written (File too large). The disk or its quota is full" in ended.stderr
    assert list(target.parent.iterdir()) == []
    succeeds(archive, target)


def mounts():
    command = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"]
    return bool(shutil.which("unshare")) and subprocess.run(command, capture_output=True).returncode == 0


@pytest.mark.skipif(not mounts(), reason="needs the right to mount a small disk")
def test_a_real_full_disk_leaves_no_target(archive, target):
    """The check beforehand is passed by: another program may fill the disk meanwhile."""
    target.parent.mkdir()
    script = f"mount -t tmpfs -o size=300k none {target.parent} && cd {ROOT} && "
    script += f'"{sys.executable}" -c "$1" {archive} {target}; code=$?; ls -A {target.parent}; exit $code'
    blind = "import shutil; shutil.disk_usage = lambda path: shutil._ntuple_diskusage(10**12, 0, 10**12); "
    command = ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", blind + UNPACK]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 1 and ended.stdout == ""
    assert "cannot be written (No space left on device). The disk or its quota is full: free some space" in ended.stderr
    succeeds(archive, target)
