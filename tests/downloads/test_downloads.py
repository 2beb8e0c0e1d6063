"""Downloads through the real curl from servers on this machine, and the pins in downloads.yaml."""

import hashlib
import random
import re
import shutil
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.base.errors import InputError
from pipeline.base.yaml_text import parse_yaml
from pipeline.downloads import curl, transfer
from pipeline.downloads.digest import Digest, Pin, digest_of
from pipeline.downloads.disk import in_words, require_space
from pipeline.downloads.pins import find_release, parse_pins, read_pins, record
from pipeline.downloads.transfer import TransferError, download
from support.paths import ROOT
from support.publishers import ftp_publisher, http_publisher

CONTENT = random.Random(0).randbytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PIN = Pin(len(CONTENT), SHA256)
NO_PIN = Pin(None, None)

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="needs the program curl")


@pytest.fixture(autouse=True)
def direct(monkeypatch):
    """No proxy between the tests and this machine."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture(params=[http_publisher, ftp_publisher], ids=["http", "ftp"])
def published(request):
    with request.param(CONTENT) as (publisher, url):
        yield publisher, f"{url}/toy.zip"


def part_of(path):
    return path.with_name(f"{path.name}.part")


def fails(url, path, pin=PIN, error=InputError, match=None):
    with pytest.raises(error, match=match) as caught:
        download(url, path, pin, len(CONTENT))
    assert not path.exists()
    return str(caught.value)


def succeeds(url, path, pin=PIN):
    assert download(url, path, pin, len(CONTENT)) == Digest(len(CONTENT), SHA256)
    assert path.read_bytes() == CONTENT
    assert [item.name for item in path.parent.iterdir()] == [path.name]


@needs_curl
def test_a_file_arrives_whole(published, tmp_path):
    publisher, url = published
    succeeds(url, tmp_path / "new" / "toy.zip")
    assert publisher.served == [len(CONTENT)]


@needs_curl
def test_nothing_pinned_accepts_what_comes(published, tmp_path):
    succeeds(published[1], tmp_path / "toy.zip", NO_PIN)


@needs_curl
def test_a_cut_connection_is_resumed_by_the_next_run(published, tmp_path):
    publisher, url = published
    path = tmp_path / "toy.zip"
    publisher.cut = 100_000
    message = fails(url, path, error=TransferError, match="curl: ")
    assert f"100000 bytes are kept in {part_of(path)}" in message
    publisher.cut = None
    succeeds(url, path)
    assert publisher.served == [100_000, len(CONTENT) - 100_000]


@needs_curl
@pytest.mark.parametrize("tells_length", [True, False])
def test_a_complete_part_is_not_fetched_again(published, tmp_path, tells_length):
    publisher, url = published
    publisher.tells_length = tells_length
    part_of(tmp_path / "toy.zip").write_bytes(CONTENT)
    succeeds(url, tmp_path / "toy.zip")
    assert sum(publisher.served) == 0


@needs_curl
def test_a_server_that_cannot_resume_is_asked_for_the_whole(published, tmp_path):
    publisher, url = published
    publisher.ranges = False
    part_of(tmp_path / "toy.zip").write_bytes(CONTENT[:1000])
    succeeds(url, tmp_path / "toy.zip")
    assert publisher.served[-1] == len(CONTENT)


@needs_curl
@pytest.mark.parametrize("stale", [b"another beginning", CONTENT + b"and more", b"x" * len(CONTENT)])
def test_a_part_that_turns_out_wrong_is_discarded(published, tmp_path, stale):
    publisher, url = published
    part_of(tmp_path / "toy.zip").write_bytes(stale)
    succeeds(url, tmp_path / "toy.zip")
    assert publisher.served[-1] == len(CONTENT)


@needs_curl
def test_wrong_bytes_are_refused_and_the_next_run_is_free_to_succeed(published, tmp_path):
    publisher, url = published
    path = tmp_path / "toy.zip"
    publisher.content = b"x" * len(CONTENT)
    message = fails(url, path, match="expected 300000 bytes and sha256 .*, found 300000 bytes and sha256 ")
    assert SHA256 in message and hashlib.sha256(publisher.content).hexdigest() in message
    assert not part_of(path).exists()
    # Resumed or not, no third attempt.
    part_of(path).write_bytes(b"y" * 10)
    publisher.served.clear()
    fails(url, path)
    assert publisher.served == [len(CONTENT) - 10, len(CONTENT)]
    publisher.content = CONTENT
    succeeds(url, path)


@needs_curl
def test_a_missing_file_is_one_error(tmp_path):
    with http_publisher(CONTENT) as (publisher, url):
        publisher.status = 404
        assert "404" in fails(f"{url}/toy.zip", tmp_path / "toy.zip", error=TransferError)
        publisher.status = 200
        succeeds(f"{url}/toy.zip", tmp_path / "toy.zip")


@needs_curl
def test_a_server_that_stalls_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(curl, "STALL_SECONDS", 1)
    with http_publisher(CONTENT) as (publisher, url):
        publisher.hang = True
        start = time.monotonic()
        assert "too slow" in fails(f"{url}/toy.zip", tmp_path / "toy.zip", error=TransferError)
        assert time.monotonic() - start < 15


@needs_curl
@pytest.mark.parametrize("url", ["http://nowhere.invalid/toy.zip", "ftp://nowhere.invalid/toy.zip", "closed"])
def test_no_network_is_one_error_within_seconds(tmp_path, url):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/toy.zip" if url == "closed" else url
        start = time.monotonic()
        message = fails(url, tmp_path / "toy.zip", error=TransferError, match="curl: ")
    assert time.monotonic() - start < 15
    assert url in message and "\n" not in message
    assert list(tmp_path.iterdir()) == []


@needs_curl
def test_an_interrupt_ends_curl_and_keeps_the_part(tmp_path, monkeypatch):
    started = []

    class Interrupted(subprocess.Popen):
        def communicate(self, *arguments, **options):
            started.append(self)
            raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    part_of(tmp_path / "toy.zip").write_bytes(CONTENT[:1000])
    with http_publisher(CONTENT) as (publisher, url):
        publisher.hang = True
        with pytest.raises(KeyboardInterrupt):
            download(f"{url}/toy.zip", tmp_path / "toy.zip", PIN, len(CONTENT))
    assert started[0].returncode == -9
    assert part_of(tmp_path / "toy.zip").read_bytes() == CONTENT[:1000]
    assert not (tmp_path / "toy.zip").exists()


def test_without_curl_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    fails("http://127.0.0.1/toy.zip", tmp_path / "toy.zip", error=TransferError, match="apt install curl")


def test_too_little_space_is_noticed_before_anything_is_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr(transfer, "run_curl", pytest.fail)
    with pytest.raises(InputError, match=r"the download of toy\.zip needs 1000000000\.00 GB on this disk, .* are free"):
        download("http://127.0.0.1/toy.zip", tmp_path / "toy.zip", NO_PIN, 10**18)
    require_space(tmp_path / "not" / "yet" / "there", 1, "nothing")


@pytest.mark.parametrize(
    ("size", "text"), [(7, "7 bytes"), (31_000, "31 kB"), (2_340_000, "2.3 MB"), (230e6, "0.23 GB"), (7.5e9, "7.50 GB")]
)
def test_sizes_in_words(size, text):
    assert in_words(size) == text


def test_digest_is_that_of_the_bytes(tmp_path):
    (tmp_path / "file").write_bytes(CONTENT)
    assert digest_of(tmp_path / "file") == Digest(len(CONTENT), SHA256)
    assert PIN.difference(Digest(len(CONTENT), SHA256)) is None
    assert NO_PIN.difference(Digest(1, "0" * 64)) is None
    assert Pin(1, None).difference(Digest(2, "0" * 64)) == f"expected 1 bytes, found 2 bytes and sha256 {'0' * 64}"


def test_shipped_pins_are_valid():
    pins = read_pins(ROOT / "downloads.yaml")
    assert set(pins.releases) == {"pascal3d", "spair"}
    assert find_release(pins, "pascal3d").archive == "PASCAL3D+_release1.1.zip"
    with pytest.raises(InputError, match="'spiar'.*Did you mean 'spair'"):
        find_release(pins, "spiar")


def test_recording_changes_two_values_and_no_comment(tmp_path):
    text = (ROOT / "downloads.yaml").read_text()
    path = tmp_path / "downloads.yaml"
    path.write_text(text)
    for sha256 in (SHA256, "0" * 64, "1" * 20 + "e" + "1" * 43):
        record(path, ("releases", "spair"), Digest(5, sha256))
        assert find_release(read_pins(path), "spair").pin == Pin(5, sha256)
    before, after = text.splitlines(), path.read_text().splitlines()
    assert len(before) == len(after)
    changed = [old for old, new in zip(before, after, strict=True) if old != new]
    assert changed == ["    bytes: null", "    sha256: null"]
    assert read_pins(path).releases["pascal3d"].pin == NO_PIN


def test_two_downloads_may_be_recorded_at_once(tmp_path):
    path = tmp_path / "downloads.yaml"
    path.write_text((ROOT / "downloads.yaml").read_text())

    def record_often(name):
        for size in range(1, 6):
            record(path, ("releases", name), Digest(size, SHA256))
            assert read_pins(path).releases[name].bytes == size

    with ThreadPoolExecutor(2) as executor:
        list(executor.map(record_often, ["pascal3d", "spair"]))


TOY = {"title": "Toy", "licence": "MIT", "approximate_megabytes": 1.5}
WEIGHTS = {
    "hub": {**TOY, "repository": "a/b", "revision": "c", "files": {"config.json": vars(NO_PIN)}},
    "single": {**TOY, "url": "https://somewhere/a.pth", "files": {"a.pth": vars(PIN)}},
}


@pytest.fixture
def content():
    return {
        **parse_yaml((ROOT / "downloads.yaml").read_text()),
        "weights": {k: dict(v) for k, v in WEIGHTS.items()},
    }


def test_weights_come_from_a_repository_or_an_address(content):
    weights = parse_pins(content).weights
    assert weights["hub"].files == {"config.json": NO_PIN} and weights["hub"].url is None
    assert weights["single"].files == {"a.pth": PIN} and weights["single"].repository is None


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("releases", "spair", "sha265"), None, "unknown parameter 'releases.spair.sha265'. Did you mean 'sha256'"),
        (("releases", "spair", "sha256"), "ABC", "releases.spair.sha256 must be 64 hexadecimal digits"),
        (("releases", "spair", "bytes"), "many", "'releases.spair.bytes' must be a value of type int"),
        (("releases", "spair", "url"), "file:///etc/passwd", "releases.spair.url must be the address of a file"),
        (("releases", "spair", "folder"), "../spair", "releases.spair.folder: expected a relative path"),
        (("weights", "hub", "revison"), "d", "unknown parameter 'weights.hub.revison'. Did you mean 'revision'"),
        (
            ("weights", "hub", "url"),
            "https://somewhere/x",
            "weights.hub: expected `repository` with `revision`, or `url`",
        ),
        (("weights", "single", "files"), {"/a": vars(PIN)}, "weights.single.files: expected a relative path"),
        (("wieghts",), {}, "unknown parameter 'wieghts'. Did you mean 'weights'"),
    ],
)
def test_errors_name_the_key(content, keys, value, message):
    section = content
    for key in keys[:-1]:
        section = section[key]
    section[keys[-1]] = value
    with pytest.raises(InputError, match=f"my.yaml: .*{re.escape(message.split(': ')[-1])}"):
        parse_pins(content, "my.yaml")


def test_missing_pins_are_named(tmp_path):
    with pytest.raises(InputError, match="git checkout downloads.yaml"):
        read_pins(tmp_path / "downloads.yaml")
