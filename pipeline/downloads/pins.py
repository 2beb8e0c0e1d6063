"""Typed form of `downloads.yaml`: every possible download, its address, and its expected hash."""

import fcntl
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pipeline.base.errors import InputError, nearest
from pipeline.base.files import write_text
from pipeline.base.text_files import read_text
from pipeline.base.yaml_edits import edited
from pipeline.base.yaml_text import parse_yaml, read_yaml
from pipeline.config.parsing import parse_section
from pipeline.config.ranges import Above, AtMost
from pipeline.downloads.addresses import check_address, check_path, file_name
from pipeline.downloads.digest import Digest, Pin

MOST_BYTES = 10**15
"""Size of the largest file that may be downloaded."""
UNPACKED_SLACK = 4
"""A release may have so many times its approximate size."""
RESTORE = "Mend the file, or restore it: git checkout downloads.yaml."


@dataclass(frozen=True)
class Gigabytes:
    """Approximate sizes of a release, in units of 1e9 bytes."""

    archive: Annotated[float, Above(0), AtMost(MOST_BYTES / 1e9)]
    unpacked: Annotated[float, Above(0), AtMost(MOST_BYTES / 1e9)]


@dataclass(frozen=True)
class Release:
    """Data set that is distributed as one archive."""

    title: str
    url: str
    page: str
    folder: str
    licence: str
    approximate_gigabytes: Gigabytes
    bytes: int | None
    sha256: str | None

    @property
    def archive(self) -> str:
        """File name of the archive."""
        return file_name(self.url)

    @property
    def pin(self) -> Pin:
        return Pin(self.bytes, self.sha256)

    @property
    def size(self) -> int:
        """Size of the archive in bytes; an estimate until the exact size is recorded."""
        return self.bytes or round(1e9 * self.approximate_gigabytes.archive)

    @property
    def unpacked_limit(self) -> int:
        """Size in bytes that the unpacked files may have together."""
        return round(UNPACKED_SLACK * 1e9 * self.approximate_gigabytes.unpacked)


@dataclass(frozen=True)
class Weights:
    """Pretrained model: files of a repository at a revision, or a single file at a URL."""

    title: str
    licence: str
    approximate_megabytes: Annotated[float, Above(0), AtMost(MOST_BYTES / 1e6)]
    files: Mapping[str, Pin]
    repository: str | None
    revision: str | None
    url: str | None

    @property
    def size(self) -> int:
        """Total size of the files in bytes; an estimate until all exact sizes are recorded."""
        sizes = [pin.bytes for pin in self.files.values() if pin.bytes is not None]
        return sum(sizes) if len(sizes) == len(self.files) else round(1e6 * self.approximate_megabytes)


@dataclass(frozen=True)
class Pins:
    """All entries of downloads.yaml, by name."""

    releases: Mapping[str, Release]
    weights: Mapping[str, Weights]


def read_pins(path: Path) -> Pins:
    """Read and validate downloads.yaml.

    Raises:
        InputError: the file is missing, or one of its keys or values is invalid.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected the list of downloads, found no file. {RESTORE}")
    return parse_pins(read_yaml(path, RESTORE), str(path))


def parse_pins(content: Any, source: str = "downloads") -> Pins:
    """Parse nested mappings into `Pins`.

    Args:
        content: parsed YAML.
        source: name of the source for error messages.

    Raises:
        InputError: a key or a value is invalid.
    """
    if isinstance(content, dict) and isinstance(content.get("weights"), dict):
        absent = {"repository": None, "revision": None, "url": None}
        entries = content["weights"].items()
        filled = {name: {**absent, **entry} if isinstance(entry, dict) else entry for name, entry in entries}
        content = {**content, "weights": filled}
    pins = parse_section(Pins, content, source)
    for name, release in pins.releases.items():
        key = f"{source}: releases.{name}"
        check_path(name, f"{source}: releases")
        check_address(release.url, f"{key}.url")
        check_path(release.folder, f"{key}.folder")
        _check_pin(release.pin, key)
    for name, weights in pins.weights.items():
        check_path(name, f"{source}: weights")
        _check_weights(weights, f"{source}: weights.{name}")
    return pins


def find_release(pins: Pins, name: str) -> Release:
    """Find the release called `name`.

    Raises:
        InputError: downloads.yaml has no release of this name.
    """
    if name not in pins.releases:
        raise InputError(f"Unknown release '{name}' in downloads.yaml. {nearest(name, pins.releases)}")
    return pins.releases[name]


def find_weights(pins: Pins, name: str) -> Weights:
    """Find the pretrained model called `name`.

    Raises:
        InputError: downloads.yaml has no model of this name.
    """
    if name not in pins.weights:
        raise InputError(f"Unknown model '{name}' in downloads.yaml. {nearest(name, pins.weights)}")
    return pins.weights[name]


def record(path: Path, keys: Sequence[str], found: Digest) -> None:
    """Write size and hash of one download into downloads.yaml, preserving its comments.

    Args:
        keys: nested keys of the download in the file, for instance ('releases', 'spair').
    """

    def change(content: Any) -> None:
        for key in keys:
            content = content[key]
        content["bytes"], content["sha256"] = found

    with _alone_in(path.parent):
        text = edited(read_text(path, RESTORE), change, str(path))
        parse_pins(parse_yaml(text, str(path)), str(path))
        write_text(path, text)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold an exclusive lock on `folder`.

    Two downloads may finish at the same time, and each rewrites the whole of downloads.yaml.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _check_weights(weights: Weights, key: str) -> None:
    hosted = weights.repository is not None and weights.revision is not None and weights.url is None
    single = weights.url is not None and weights.repository is None and weights.revision is None
    if not (hosted or (single and len(weights.files) == 1)):
        raise InputError(
            f"{key}: expected `repository` with `revision`, or `url` with a single file; found another set. Correct it."
        )
    if weights.url is not None:
        check_address(weights.url, f"{key}.url")
    for part in ("repository", "revision"):
        if (name := getattr(weights, part)) is not None:
            check_path(name, f"{key}.{part}")
    for name, pin in weights.files.items():
        check_path(name, f"{key}.files")
        _check_pin(pin, f"{key}.files.{name}")


def _check_pin(pin: Pin, key: str) -> None:
    if pin.bytes is not None and not 0 <= pin.bytes <= MOST_BYTES:
        raise InputError(f"{key}.bytes must be null or from 0 to {MOST_BYTES}; found {pin.bytes}. Correct it.")
    if pin.sha256 is not None and not re.fullmatch("[0-9a-f]{64}", pin.sha256):
        raise InputError(
            f"{key}.sha256 must be 64 hexadecimal digits in small letters, or null; found {pin.sha256!r}. Correct it."
        )
