"""The stage `fetch`, from an address to a whole release: first and later runs, damage, interrupts, no network."""

import hashlib
import json
import shutil
import sys
import time

import pytest

from pipeline.base.errors import InputError
from pipeline.base.yaml_text import parse_yaml
from pipeline.config.params import load_params
from pipeline.config.workspace import Workspace
from pipeline.downloads import releases
from pipeline.downloads.manifest import read_manifest
from stages import fetch
from stages.arguments import run_stage
from support.paths import ROOT
from support.publishers import http_publisher, pins_text, tar_gz

FILES = {"Toy/a.bin": bytes(range(256)) * 100, "Toy/pairs/1:car.json": b"{}"}
ARCHIVE = tar_gz(FILES)
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="needs the program curl")


class Project:
    """A folder with parameters and a release that is published on this machine."""

    def __init__(self, root, publisher, url):
        self.root, self.publisher, self.url = root, publisher, url
        shutil.copy(ROOT / "params.yaml", root)
        self.workspace = Workspace(root, load_params(root / "params.yaml"))
        self.archive = root / "downloads" / "toy.tar.gz"
        self.target = root / "releases" / "toy"
        self.pin(None, None)

    def pin(self, size, sha256, url=None):
        self.workspace.pins.write_text(pins_text(url or self.url, "Toy", size, sha256))

    def pinned(self):
        release = parse_yaml(self.workspace.pins.read_text())["releases"]["toy"]
        return release["bytes"], release["sha256"]

    def fetch(self):
        releases.fetch_release(self.workspace.pins, "toy", self.workspace.downloads, self.workspace.releases / "toy")

    def fails(self, match):
        with pytest.raises(InputError, match=match) as caught:
            self.fetch()
        assert read_manifest(self.target) is None
        return str(caught.value)

    def succeeds(self):
        self.fetch()
        assert {name: (self.target / name).read_bytes() for name in FILES} == FILES
        assert read_manifest(self.target).archive_sha256 == SHA256
        assert self.pinned() == (len(ARCHIVE), SHA256)


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with http_publisher(ARCHIVE) as (publisher, url):
        yield Project(tmp_path, publisher, f"{url}/toy.tar.gz")


def test_first_run_records_the_hash_and_says_so(project, capsys):
    project.succeeds()
    output = capsys.readouterr().out
    assert output.startswith(
        "Toy release: about 1.0 MB, unpacked about 2.0 MB\n  licence: none\n  http://nowhere.invalid"
    )
    assert f"recorded sha256 {SHA256} for 'toy'. Commit it" in output
    assert "2 files, 26 kB" in output
    assert project.workspace.pins.read_text().startswith("# A comment that stays.\n")
    manifest = json.loads((project.target / "files.json").read_text())
    assert manifest.pop("sha256")
    assert manifest == {
        "archive_sha256": SHA256,
        "files": {name: [len(content), hashlib.sha256(content).hexdigest()] for name, content in FILES.items()},
    }


def test_second_run_does_nothing(project, capsys):
    project.succeeds()
    project.archive.unlink()
    stamps = {path: path.stat().st_mtime_ns for path in project.root.rglob("*")}
    project.succeeds()
    assert {path: path.stat().st_mtime_ns for path in project.root.rglob("*")} == stamps
    assert len(project.publisher.served) == 1
    assert "is whole" in capsys.readouterr().out


@pytest.mark.parametrize("damage", ["missing", "shorter", "no list", "no list that can be read", "another archive"])
def test_a_damaged_release_is_unpacked_again(project, damage):
    project.succeeds()
    path = project.target / ("Toy/a.bin" if damage in ("missing", "shorter") else "files.json")
    if damage in ("missing", "no list"):
        path.unlink()
    elif damage == "another archive":
        path.write_text(path.read_text().replace(SHA256, "0" * 64))
    else:
        path.write_bytes(path.read_bytes()[:10])
    project.succeeds()
    assert len(project.publisher.served) == 1


def test_without_the_archive_it_is_downloaded_for_the_repair(project):
    project.succeeds()
    project.archive.unlink()
    (project.target / "Toy" / "a.bin").unlink()
    project.succeeds()
    assert len(project.publisher.served) == 2


def test_an_interrupt_before_the_list_of_files_is_repaired(project, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(releases, "write_manifest", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            project.fetch()
    assert (project.target / "Toy").is_dir() and read_manifest(project.target) is None
    project.succeeds()


def test_an_archive_that_is_there_is_used(project):
    project.archive.parent.mkdir()
    project.archive.write_bytes(ARCHIVE)
    project.pin(None, None, "http://nowhere.invalid/toy.tar.gz")
    project.succeeds()
    assert project.publisher.served == []


def test_a_wrong_archive_that_is_there_is_refused(project):
    project.pin(len(ARCHIVE), SHA256)
    project.archive.parent.mkdir()
    project.archive.write_bytes(ARCHIVE[:-5])
    message = project.fails(
        rf"{project.archive}: expected .* and sha256 {SHA256}, found .*delete it and run this again"
    )
    assert hashlib.sha256(ARCHIVE[:-5]).hexdigest() in message
    assert not project.target.exists()
    project.archive.unlink()
    project.succeeds()


def test_a_wrong_download_is_refused(project):
    project.pin(len(ARCHIVE), SHA256)
    project.publisher.content = b"x" * len(ARCHIVE)
    project.fails(f"expected .* sha256 {SHA256}, found .* sha256 ")
    assert not project.target.exists() and not project.archive.exists()
    project.publisher.content = ARCHIVE
    project.succeeds()


def test_a_damaged_archive_is_never_recorded(project):
    project.publisher.content = ARCHIVE[:-20]
    project.fails("found a damaged one .* Delete it and run this again")
    assert project.pinned() == (None, None) and not project.target.exists()
    project.archive.unlink()
    project.publisher.content = ARCHIVE
    project.succeeds()


def test_a_cut_connection_says_how_to_go_on(project):
    project.publisher.cut = 100
    message = project.fails("could not be downloaded")
    assert f"100 bytes are kept in {project.archive}.part; run this again" in message
    project.publisher.cut = None
    project.succeeds()
    assert project.publisher.served == [100, len(ARCHIVE) - 100]


def test_without_network_one_error_says_everything(project, monkeypatch, capsys):
    project.pin(None, None, "http://nowhere.invalid/files/toy.tar.gz")
    monkeypatch.setattr(sys, "argv", ["fetch", "--release", "toy", "--root", str(project.root)])
    start = time.monotonic()
    with pytest.raises(SystemExit) as ended:
        run_stage(fetch.main)
    assert ended.value.code == 1 and time.monotonic() - start < 15
    error = capsys.readouterr().err.rpartition("\r")[2]
    assert error.count("error: ") == 1
    for needed in (
        *("Toy release", "http://nowhere.invalid/files/toy.tar.gz", "http://nowhere.invalid/toy", "about 1.0 MB"),
        *(
            f"put it at {project.archive}",
            "set data.toy in params.yaml to its folder Toy",
            "take 'toy' out of data.fetch",
        ),
    ):
        assert needed in error
    assert not project.target.exists()
    project.pin(None, None)
    fetch.main()
    project.succeeds()


def test_an_unknown_release_names_the_nearest(project, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["fetch", "--release", "tog", "--root", str(project.root)])
    with pytest.raises(InputError, match="Unknown release 'tog' in downloads.yaml. Did you mean 'toy'"):
        fetch.main()
