"""Servers that mean harm, and secrets in addresses: what a download never follows, writes or shows."""

import shutil
import time

import pytest

from pipeline.base.errors import InputError
from pipeline.base.yaml_text import parse_yaml
from pipeline.downloads import transfer
from pipeline.downloads.addresses import without_secrets
from pipeline.downloads.digest import Pin
from pipeline.downloads.pins import parse_pins, read_pins
from pipeline.downloads.transfer import TransferError, download
from pipeline.downloads.weights import address, describe, fetch_weights
from support.paths import ROOT
from support.publishers import http_publisher

CONTENT = bytes(range(256)) * 400
NO_PIN = Pin(None, None)
PIN = Pin(len(CONTENT), None)
SECRET = "s3cret"
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="needs the program curl")


@pytest.fixture
def published(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with http_publisher(CONTENT) as (publisher, url):
        yield publisher, f"{url}/toy.zip"


def fails(url, path, error, match, pin=NO_PIN):
    """An error within seconds, after which nothing is left."""
    start = time.monotonic()
    with pytest.raises(error, match=match) as caught:
        download(url, path, pin, len(CONTENT))
    assert time.monotonic() - start < 10
    assert not list(path.parent.iterdir())
    return str(caught.value)


@needs_curl
@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "scp://127.0.0.1/x", "gopher://127.0.0.1/x"]
)
def test_a_redirection_leads_to_no_other_protocol(published, tmp_path, target):
    publisher, url = published
    publisher.redirection = target
    fails(url, tmp_path / "toy.zip", TransferError, "curl: ")


@needs_curl
def test_redirections_in_a_circle_end(published, tmp_path):
    publisher, url = published
    publisher.redirection = url
    fails(url, tmp_path / "toy.zip", TransferError, "redirects")


@needs_curl
@pytest.mark.parametrize("pin", [NO_PIN, PIN])
def test_a_body_without_end_is_cut(published, tmp_path, pin, monkeypatch):
    monkeypatch.setattr(transfer, "SMALLEST_LIMIT", 1000)
    publisher, url = published
    publisher.endless = True
    fails(url, tmp_path / "toy.zip", InputError, "expected at most .*, found more.*Nothing was kept", pin)


@needs_curl
def test_a_length_beyond_the_pinned_one_is_not_even_fetched(published, tmp_path):
    publisher, url = published
    publisher.stated = 10**15
    fails(url, tmp_path / "toy.zip", InputError, "expected at most 0.10 MB|expected at most 0.1 MB", PIN)


@needs_curl
def test_a_length_that_is_too_short_is_noticed(published, tmp_path):
    publisher, url = published
    publisher.stated = 100
    fails(url, tmp_path / "toy.zip", InputError, f"expected {len(CONTENT)} bytes, found 100 bytes", PIN)


@pytest.fixture
def recorder(tmp_path, monkeypatch):
    """A program curl that only notes its command line and its options; yields the folder of both notes."""
    folder = tmp_path / "curl"
    folder.mkdir()
    program = folder / "curl"
    program.write_text(
        f'#!/bin/sh\necho "$@" > {folder}/line\ncat > {folder}/options\necho "curl: (7) $0" >&2\nexit 7\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return folder


@pytest.mark.parametrize(("scheme", "followed"), [("https", "=https"), ("http", "=http,https"), ("ftp", "=http,https")])
def test_no_redirection_leaves_https(recorder, tmp_path, scheme, followed):
    with pytest.raises(TransferError):
        download(f"{scheme}://nowhere.invalid/toy.zip", tmp_path / "toy.zip", NO_PIN, 1)
    assert f'proto-redir = "{followed}"\n' in (recorder / "options").read_text()


def test_secrets_reach_curl_and_nobody_else(recorder, tmp_path):
    url = f"https://me:{SECRET}@nowhere.invalid/files/toy.zip?token={SECRET}"
    with pytest.raises(TransferError) as caught:
        download(url, tmp_path / "toy.zip", NO_PIN, 1)
    assert SECRET in (recorder / "options").read_text()
    assert SECRET not in (recorder / "line").read_text()
    assert SECRET not in str(caught.value) and "https://nowhere.invalid/files/toy.zip: " in str(caught.value)


def test_what_a_path_contains_is_no_option(recorder, tmp_path):
    path = tmp_path / 'a"\nurl = "file:' / "toy.zip"
    with pytest.raises(TransferError):
        download("https://nowhere.invalid/toy.zip", path, NO_PIN, 1)
    assert (recorder / "options").read_text().count("url = ") == 2
    assert (recorder / "options").read_text().count("\nurl = ") == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://a:b@c.d/e/f.zip?g=h#i now", "see https://c.d/e/f.zip now"),
        ("ftp://token@c.d/e", "ftp://c.d/e"),
        ("https://c.d/e@1/f+g.zip", "https://c.d/e@1/f+g.zip"),
        ("no address? none", "no address? none"),
    ],
)
def test_addresses_are_shown_without_secrets(text, shown):
    assert without_secrets(text) == shown


@pytest.fixture
def content():
    return parse_yaml((ROOT / "downloads.yaml").read_text())


def test_the_file_of_an_address_with_a_query_has_no_query_in_its_name(content):
    content["releases"]["spair"]["url"] = f"https://me:{SECRET}@nowhere.invalid/spair.tar.gz?token={SECRET}"
    assert parse_pins(content).releases["spair"].archive == "spair.tar.gz"


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        f"https://me:{SECRET}/x@nowhere.invalid/a.zip",
        "https://nowhere.invalid/..",
        "https://nowhere.invalid/.hidden",
        "https://nowhere.invalid/a%2fb",
        "https://nowhere.invalid/a b",
        'https://nowhere.invalid/a"b',
        "https://nowhere.invalid/a\nb",
        "https:///a",
        "https://nowhere.invalid:x/a",
        "HTTPS://nowhere.invalid/a",
        "-o/etc/passwd",
    ],
)
def test_other_addresses_are_refused(content, url):
    content["releases"]["spair"]["url"] = url
    with pytest.raises(InputError, match=r"releases\.spair\.url must be the address of a file") as caught:
        parse_pins(content)
    assert SECRET not in str(caught.value)


NAMES = ("..", "../x", "/x", "a/../b", "a//b", ".hidden", "", "a\0b", "a\nb", "a" * 300, "~", "a\\b")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", ["release", "folder", "model", "file", "repository", "revision"])
def test_names_that_leave_their_folder_are_refused(content, place, name):
    releases, weights = content["releases"], content["weights"]
    if place == "release":
        releases[name] = releases.pop("spair")
    elif place == "folder":
        releases["spair"]["folder"] = name
    elif place == "model":
        weights[name] = weights.pop("sam-vit-base")
    elif place == "file":
        weights["sam-vit-base"]["files"][name] = {"bytes": None, "sha256": None}
    else:
        weights["sam-vit-base"][place] = name
    with pytest.raises(InputError, match="expected a relative path of plain names without '..', found "):
        parse_pins(content)


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("bytes",), -1),
        (("bytes",), 10**16),
        (("approximate_gigabytes", "archive"), 0),
        (("approximate_gigabytes", "unpacked"), -1.0),
        (("approximate_gigabytes", "unpacked"), 1e300),
        (("approximate_gigabytes", "unpacked"), float("nan")),
    ],
)
def test_sizes_that_make_no_sense_are_refused(content, keys, value):
    section = content["releases"]["spair"]
    for key in keys[:-1]:
        section = section[key]
    section[keys[-1]] = value
    with pytest.raises(InputError, match=rf"releases\.spair\.{'.'.join(keys)}.* must be"):
        parse_pins(content)


def test_the_address_of_weights_is_described_without_secrets(content):
    content["weights"]["segment-anything-vit_b"]["url"] = f"https://me:{SECRET}@nowhere.invalid/sam_vit_b_01ec64.pth"
    weights = parse_pins(content).weights["segment-anything-vit_b"]
    assert SECRET not in describe("sam", weights) and "https://nowhere.invalid/sam" in describe("sam", weights)


@pytest.mark.parametrize("endpoint", ["file:///etc", "", "nowhere.invalid", f"gopher://me:{SECRET}@nowhere.invalid"])
def test_another_hub_must_be_an_address(endpoint, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    weights = read_pins(ROOT / "downloads.yaml").weights["sam-vit-base"]
    with pytest.raises(InputError, match="HF_ENDPOINT") as caught:
        address(weights, "config.json")
    assert SECRET not in str(caught.value)


def test_a_hub_with_a_password_is_not_shown(recorder, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HF_ENDPOINT", f"https://me:{SECRET}@nowhere.invalid")
    with pytest.raises(InputError, match=r"could not be downloaded\. https://nowhere\.invalid/facebook") as caught:
        fetch_weights(ROOT / "downloads.yaml", "sam-vit-base", tmp_path / "weights")
    shown = capsys.readouterr()
    assert SECRET not in str(caught.value) + shown.out + shown.err
