"""Size and SHA-256 of a file, as observed and as pinned."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

CHUNK = 1 << 20


class Digest(NamedTuple):
    """Size and hash of a file as observed."""

    bytes: int
    sha256: str
    """SHA-256 of the file, as 64 hexadecimal digits."""


@dataclass(frozen=True)
class Pin:
    """Expected size and hash of a file. A field is None until it has been recorded."""

    bytes: int | None
    sha256: str | None

    def difference(self, found: Digest) -> str | None:
        """Describe a mismatch as 'expected ..., found ...'. None where `found` agrees with all recorded fields."""
        if self.sha256 in (None, found.sha256) and self.bytes in (None, found.bytes):
            return None
        return f"expected {_in_words(self.bytes, self.sha256)}, found {_in_words(found.bytes, found.sha256)}"


def digest_of(path: Path) -> Digest:
    """Compute the digest of a file, with a progress bar."""
    hasher, size = hashlib.sha256(), path.stat().st_size
    with (
        path.open("rb") as stream,
        tqdm(total=size, desc=f"{path.name}: checking", unit="B", unit_scale=True) as progress,
    ):
        while chunk := stream.read(CHUNK):
            hasher.update(chunk)
            progress.update(len(chunk))
        return Digest(stream.tell(), hasher.hexdigest())


def _in_words(size: int | None, sha256: str | None) -> str:
    return " and ".join([*([f"{size} bytes"] if size is not None else []), *([f"sha256 {sha256}"] if sha256 else [])])
