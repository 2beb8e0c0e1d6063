"""Manifest `files.json` of an unpacked release: size and hash of every file.

The manifest is written last, so that its presence marks a complete release.
"""

import json
from pathlib import Path
from typing import NamedTuple

from pipeline.base.files import write_json
from pipeline.downloads.digest import Digest

NAME = "files.json"


class Manifest(NamedTuple):
    """Record of an unpacked archive."""

    archive_sha256: str
    files: dict[str, Digest]
    """Size and hash of each file, by its path relative to the folder of the release."""


def write_manifest(folder: Path, manifest: Manifest) -> None:
    write_json(folder / NAME, manifest._asdict())


def read_manifest(folder: Path) -> Manifest | None:
    """Read the manifest of an unpacked release. None where it is missing or unreadable: the release is incomplete."""
    try:
        content = json.loads((folder / NAME).read_text(encoding="utf-8"))
        return Manifest(content["archive_sha256"], {name: Digest(*item) for name, item in content["files"].items()})
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, KeyError, AttributeError):
        return None


def has_all_files(folder: Path, manifest: Manifest) -> bool:
    """Whether every file exists with its recorded size. This check is fast; `semagic verify` compares the hashes."""
    return all(
        (folder / name).is_file() and (folder / name).stat().st_size == found.bytes
        for name, found in manifest.files.items()
    )
