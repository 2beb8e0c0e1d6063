"""Verification of one working tree with all checks."""

from pipeline.config.workspace import Workspace
from pipeline.verification.comparison import compare_tracked, readings
from pipeline.verification.hashing import hash_files
from pipeline.verification.pinned import compare_claims, read_claims
from pipeline.verification.report import Report, combined
from pipeline.verification.tracked import read_tracked


def verify(workspace: Workspace) -> Report:
    """Compare every file with its hash recorded in dvc.lock, downloads.yaml or the manifest of a release.

    Raises:
        InputError: dvc.yaml, dvc.lock or downloads.yaml cannot be read.
    """
    tracked, claims = read_tracked(workspace.root), read_claims(workspace)
    hashes = hash_files([*readings(tracked), *claims.readings])
    findings = combined([compare_tracked(tracked, hashes), compare_claims(claims, hashes)])
    return Report(findings, hashes.files, hashes.bytes)
