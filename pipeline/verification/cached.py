"""Verification of DVC's cache: the name of each object is the hash of its content.

DVC trusts an object that is read-only, so that a damaged one comes back with every `dvc checkout`.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from pipeline.verification.hashing import Hashes, Reading
from pipeline.verification.report import Damage, Findings, shown
from pipeline.verification.tracked import Tracked

ALGORITHM = "md5"
"""DVC's name of the hash of cached objects."""


def cached_readings(tracked: Tracked, root: Path) -> list[Reading]:
    """List the objects to hash: all in a cache below `root`, and of a cache that others share those in dvc.lock."""
    if tracked.cache is None or not tracked.cache.is_dir():
        return []
    if tracked.cache.is_relative_to(root.resolve()):
        paths = [path for folder in sorted(tracked.cache.iterdir()) if folder.is_dir() for path in folder.iterdir()]
    else:
        paths = [tracked.cache / value[:2] / value[2:] for value in _outputs(tracked)]
    return [Reading(path, ALGORITHM) for path in paths if _hash_in_name(path)]


def compare_cached(tracked: Tracked, root: Path, hashes: Hashes) -> Findings:
    """Find the cached objects whose content does not have the hash in their name."""
    outputs = _outputs(tracked)
    damaged = []
    for reading in cached_readings(tracked, root):
        expected, found = _hash_in_name(reading.path), hashes.values.get(reading)
        if found not in (None, expected):
            remedy = _remedy(reading.path, outputs.get(_object_name(reading.path)), hashes)
            damaged.append(Damage(reading.path, f"{ALGORITHM} {expected}", found, remedy))
    return Findings(tuple(damaged))


def _outputs(tracked: Tracked) -> Mapping[str, Path]:
    """Outputs in dvc.lock by the name of the cached object, which ends in '.dir' for the list of a folder's files."""
    found = {}
    for entry in tracked.entries:
        if entry.is_output and entry.cache and entry.algorithm == ALGORITHM:
            found[entry.value] = entry.path
            found |= {value: entry.path / name for name, value in (entry.recorded or {}).items()}
    return found


def _remedy(cached: Path, output: Path | None, hashes: Hashes) -> str:
    if output is not None and hashes.values.get(Reading(output, ALGORITHM)) == _hash_in_name(cached):
        return f"`cp --force {shown(output)} {shown(cached)}`"
    return "delete it; `dvc repro` makes it again where it is needed"


def _object_name(path: Path) -> str:
    return path.parent.name + path.name


def _hash_in_name(path: Path) -> str | None:
    match = re.fullmatch(r"([0-9a-f]{32})(\.dir)?", _object_name(path))
    return match and match[1]
