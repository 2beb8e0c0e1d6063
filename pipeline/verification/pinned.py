"""Verification of archives, unpacked releases and weights against downloads.yaml and the manifests of the releases."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline.config.workspace import Workspace
from pipeline.downloads import manifest
from pipeline.downloads.pins import Release, Weights, read_pins
from pipeline.verification.hashing import Hashes, Reading
from pipeline.verification.report import Damage, Findings


class Claim(NamedTuple):
    """Expected hash of one file, and the remedy if it differs. The hash is None where none is recorded."""

    path: Path
    sha256: str | None
    remedy: str

    @property
    def reading(self) -> Reading:
        return Reading(self.path, "sha256")


class Claims(NamedTuple):
    """Expectations that downloads.yaml and the manifests state, before any file is hashed."""

    of_files: tuple[Claim, ...]
    damaged: tuple[Damage, ...]
    """Damage that is visible without hashing, such as a release without a manifest."""

    @property
    def readings(self) -> list[Reading]:
        return [claim.reading for claim in self.of_files if claim.sha256]


def read_claims(workspace: Workspace) -> Claims:
    """Read the expected hashes of all downloads that exist from downloads.yaml and the manifests of the releases.

    Raises:
        InputError: downloads.yaml is invalid.
    """
    if not workspace.pins.is_file():
        return Claims((), ())
    pins = read_pins(workspace.pins)
    found: list[Claim | Damage] = []
    for name, release in pins.releases.items():
        found += [*_archive(workspace.downloads, name, release), *_release(workspace.releases / name, name, release)]
    for name, weights in pins.weights.items():
        found += _weights(workspace.weights / name, name, weights)
    return Claims(
        tuple(item for item in found if isinstance(item, Claim)),
        tuple(item for item in found if isinstance(item, Damage)),
    )


def compare_claims(claims: Claims, hashes: Hashes) -> Findings:
    """Find the files whose hash differs from the expected one, and the files without an expected hash."""
    damaged, unrecorded = list(claims.damaged), []
    for claim in claims.of_files:
        found = hashes.values.get(claim.reading)
        if claim.sha256 is None:
            unrecorded.append(str(claim.path))
        elif found != claim.sha256:
            damaged.append(Damage(claim.path, f"sha256 {claim.sha256}", found or "nothing", claim.remedy))
    return Findings(tuple(damaged), (), tuple(unrecorded))


def _archive(downloads: Path, name: str, release: Release) -> Iterator[Claim]:
    path = downloads / release.archive
    if path.is_file():
        yield Claim(
            path, release.sha256, f"delete it; `python -m stages.fetch --release {name}` fetches it when needed"
        )


def _release(folder: Path, name: str, release: Release) -> Iterator[Claim | Damage]:
    if not folder.is_dir():
        return
    again = f"`python -m stages.fetch --release {name}` unpacks it again"
    found = manifest.read_manifest(folder)
    if found is None:
        yield Damage(folder, f"{manifest.NAME}, which a whole release has", "none that can be read", again)
    elif release.sha256 not in (None, found.archive_sha256):
        expected = f"what the archive of sha256 {release.sha256} holds"
        yield Damage(folder, expected, f"what that of {found.archive_sha256} holds", again)
    else:
        for relative, digest in found.files.items():
            yield Claim(folder / relative, digest.sha256, f"delete it; {again}")


def _weights(folder: Path, name: str, weights: Weights) -> Iterator[Claim]:
    # A download that failed for lack of a network leaves an empty folder.
    if any((folder / file).is_file() for file in weights.files):
        for file, pin in weights.files.items():
            yield Claim(folder / file, pin.sha256, f"delete it; `semagic weights {name}` fetches it again")
