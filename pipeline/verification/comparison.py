"""Comparison of recorded inputs and outputs with the files: which are damaged, and which stages are outdated."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.verification.hashing import Hashes, Reading, hash_files
from pipeline.verification.report import Damage, Findings, Outdated, shown
from pipeline.verification.tracked import Entry, Tracked, folder_hash


def readings(tracked: Tracked) -> list[Reading]:
    """List the files to hash for a comparison of all tracked entries."""
    return [
        Reading(path, entry.algorithm)
        for entry in tracked.entries
        for path in ([entry.path / name for name in entry.files] if entry.is_folder else [entry.path])
    ]


def compare_tracked(tracked: Tracked, hashes: Hashes) -> Findings:
    """Compare tracked entries with the hashes of their files.

    An output that differs is damaged, and so is an input that differs, is made by no stage and is not kept by git.
    Every other input that differs makes its stages outdated, which is not damage: a source was edited, or an earlier
    stage has run since. Inputs that overlap a damaged output are not reported separately.
    """
    outputs = [entry for entry in tracked.entries if entry.is_output]
    damaged = [damage for entry in outputs if _differs(entry, hashes) for damage in _damages(entry, hashes)]
    made, broken = [entry.path for entry in outputs], [damage.path for damage in damaged]
    inputs = defaultdict(list)
    for entry in tracked.entries:
        if not entry.is_output:
            inputs[entry.path].append(entry)
    outdated = []
    for path, entries in inputs.items():
        changed = [entry for entry in entries if _differs(entry, hashes)]
        if not changed or _overlaps(path, broken):
            continue
        # An input that matches the record of some stage was changed on purpose, before that stage ran.
        if len(changed) < len(entries) or entries[0].is_source or _overlaps(path, made):
            outdated.append(Outdated(path, tuple(sorted(entry.stage for entry in changed))))
        else:
            damaged += _damages(changed[0], hashes)
    return Findings(tuple(damaged), tuple(outdated), tracked.unrecorded)


def _differs(entry: Entry, hashes: Hashes) -> bool:
    return _found(entry, hashes) != entry.value


def _found(entry: Entry, hashes: Hashes) -> str | None:
    if not entry.is_folder:
        return hashes.values.get(Reading(entry.path, entry.algorithm))
    return folder_hash(entry.algorithm, _contents(entry, hashes)) if entry.path.is_dir() else None


def _contents(entry: Entry, hashes: Hashes) -> dict:
    values = {name: hashes.values.get(Reading(entry.path / name, entry.algorithm)) for name in entry.files}
    return {name: value for name, value in values.items() if value is not None}


def _damages(entry: Entry, hashes: Hashes) -> Iterator[Damage]:
    """List the damage of one entry, file by file where the hashes of a folder's files are recorded."""
    if not entry.is_folder or entry.recorded is None or not entry.path.is_dir():
        found = _found(entry, hashes)
        copied = list(entry.recorded.values()) if entry.recorded else [entry.value]
        yield Damage(entry.path, f"{entry.algorithm} {entry.value}", found or "nothing", _remedy(entry, copied))
        return
    contents = _contents(entry, hashes)
    for name, value in entry.recorded.items():
        found = contents.get(name)
        if found != value:
            remedy = _remedy(entry, [value])
            yield Damage(entry.path / name, f"{entry.algorithm} {value}", found or "nothing", remedy)
    for name in contents.keys() - entry.recorded.keys():
        yield Damage(entry.path / name, "no such file", contents[name], "delete it")


def _remedy(entry: Entry, values: Sequence[str]) -> str:
    """Describe how to restore content with these hashes."""
    if not entry.is_output:
        return "restore it; or, where the change is meant, `dvc repro`"
    # DVC takes a file of unchanged size and time for unchanged. Only a missing file is restored, hence the deletion.
    if entry.cache and _all_whole(entry.cache, entry.algorithm, values):
        return f"delete it, then `dvc checkout {shown(entry.path)}`"
    kept = "restore it from git, or " if entry.is_source else ""
    return f"{kept}delete it, then `dvc repro --force --single-item {entry.stage}` (DVC's cache has no whole copy)"


def _all_whole(cache: Path, algorithm: str, values: Sequence[str]) -> bool:
    copies = {Reading(cache / value[:2] / value[2:], algorithm): value for value in values}
    return hash_files(copies, show=False).values == copies


def _overlaps(path: Path, others: Sequence[Path]) -> bool:
    return any(path.is_relative_to(other) or other.is_relative_to(path) for other in others)
