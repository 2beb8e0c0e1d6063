"""`files.json` of an unpacked release: size and hash of every file. Written last, it marks a whole release."""

import json
from pathlib import Path
from typing import NamedTuple

from pipeline.base.files import write_json
from pipeline.downloads.digest import Digest

NAME = "files.json"


class Manifest(NamedTuple):
    """What an archive was unpacked to."""

    archive_sha256: str
    files: dict[str, Digest]
    """By path relative to the folder of the release."""


def write_manifest(folder: Path, manifest: Manifest) -> None:
    write_json(folder / NAME, manifest._asdict())


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of an unpacked release; None where there is none that can be read: the release is not whole."""
    try:
        content = json.loads((folder / NAME).read_text(encoding="utf-8"))
        return Manifest(content["archive_sha256"], {name: Digest(*item) for name, item in content["files"].items()})
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError, KeyError, AttributeError):
        return None


def has_all_files(folder: Path, manifest: Manifest) -> bool:
    """Whether every file is there in its size: a check that takes no time; the hashes are for `stages.verify`."""
    return all(
        (folder / name).is_file() and (folder / name).stat().st_size == found.bytes
        for name, found in manifest.files.items()
    )
