"""Manifest `files.json` of an unpacked release: size and hash of every file.

The manifest is written last, so that its presence marks a complete release.
"""

import hashlib
import json
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from pipeline.base.files import write_json
from pipeline.downloads.digest import Digest

NAME = "files.json"


class Manifest(NamedTuple):
    """Record of an unpacked archive."""

    archive_sha256: str
    files: dict[str, Digest]
    """Size and hash of each file, by its path relative to the folder of the release."""


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest with a digest of itself."""
    content = json.loads(json.dumps(manifest._asdict()))
    write_json(folder / NAME, {**content, "sha256": _digest(content)})


def read_manifest(folder: Path) -> Manifest | None:
    """Read the manifest of an unpacked release. None where it is missing or damaged: the release is incomplete."""
    try:
        content = json.loads((folder / NAME).read_text(encoding="utf-8"))
        # Whoever made the list by other means may leave its digest out.
        stated = content.pop("sha256", None)
        files = {_inside(name): Digest(*item) for name, item in content["files"].items()}
        return Manifest(content["archive_sha256"], files) if stated in (None, _digest(content)) else None
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _inside(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise ValueError(f"'{name}' is not in the folder of the release")
    return name


def has_all_files(folder: Path, manifest: Manifest) -> bool:
    """Whether every file exists with its recorded size. This check is fast; `semagic verify` compares the hashes."""
    return all(
        (folder / name).is_file() and (folder / name).stat().st_size == found.bytes
        for name, found in manifest.files.items()
    )
