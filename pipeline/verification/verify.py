"""Verification of one working tree with all checks."""

from pipeline.config.workspace import Workspace
from pipeline.verification.cached import cached_readings, compare_cached
from pipeline.verification.comparison import compare_tracked, readings
from pipeline.verification.hashing import hash_files
from pipeline.verification.pinned import compare_claims, read_claims
from pipeline.verification.report import Report, combined
from pipeline.verification.tracked import read_tracked


def verify(workspace: Workspace) -> Report:
    """Compare every file with its hash in dvc.lock, downloads.yaml, the manifest of a release or its name in the cache.

    Raises:
        InputError: dvc.yaml, dvc.lock, DVC's configuration or downloads.yaml cannot be read.
    """
    root = workspace.root
    tracked, claims = read_tracked(root), read_claims(workspace)
    hashes = hash_files([*readings(tracked), *cached_readings(tracked, root), *claims.readings])
    found = [compare_tracked(tracked, hashes), compare_cached(tracked, root, hashes), compare_claims(claims, hashes)]
    findings = combined(found)
    return Report(findings, hashes.files, hashes.bytes)
