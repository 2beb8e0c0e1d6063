"""Inputs and outputs of the stages as dvc.lock records them, read through DVC's API."""

import functools
import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from dvc.dependency.param import ParamsDependency
from dvc.output import Output
from dvc.repo import Repo
from dvc_data.hashfile.db import HashFileDB
from dvc_data.hashfile.tree import Tree
from dvc_objects.errors import ObjectFormatError
from scmrepo.noscm import NoSCM

from pipeline.base.errors import InputError


class Entry(NamedTuple):
    """Input or output of a stage, as recorded when the stage ran."""

    path: Path
    stage: str
    algorithm: str
    """DVC's name of the hash algorithm."""
    value: str
    """Recorded hash. The hash of a folder ends in '.dir'."""
    is_output: bool
    is_source: bool
    """Whether git tracks the path or it is Python code. A change is then taken to be intended."""
    files: tuple[PurePosixPath, ...]
    """Files that a folder contains now, without those that DVC ignores."""
    recorded: dict[PurePosixPath, str] | None
    """Recorded hash of each file of a folder. None for a file, and where DVC's cache has lost the list."""
    cache: Path | None
    """Folder of DVC's cached copies, which are named by hash. None for an entry that DVC does not cache."""

    @property
    def is_folder(self) -> bool:
        return self.value.endswith(".dir")


class Tracked(NamedTuple):
    """Recorded inputs and outputs of all stages of dvc.yaml."""

    entries: tuple[Entry, ...]
    unrecorded: tuple[str, ...]
    """Description of the outputs that no run has recorded, one text for each stage."""
    cache: Path | None = None
    """Folder of DVC's cached copies. None without a pipeline."""


def read_tracked(root: Path) -> Tracked:
    """Read the recorded inputs and outputs of the stages of dvc.yaml.

    Parameters are left out, because they are values, not files; `dvc status` compares them.

    Raises:
        InputError: DVC cannot read dvc.yaml, dvc.lock or its configuration.
    """
    if not (root / "dvc.yaml").is_file():
        return Tracked((), ())
    try:
        with Repo(str(root)) as repo:
            stages = sorted(repo.index.stages, key=lambda stage: stage.addressing)
            items = [(stage.addressing, item) for stage in stages for item in (*stage.deps, *stage.outs)]
            items = [(stage, item) for stage, item in items if not isinstance(item, ParamsDependency)]
            kept = functools.cache(lambda path: not isinstance(repo.scm, NoSCM) and repo.scm.is_tracked(path))
            entries = tuple(_entry(stage, item, kept) for stage, item in items if item.hash_info)
            cache = Path(repo.cache.local.path)
    # DVC and the libraries below it raise anything for a damaged file.
    except Exception as error:
        raise InputError(
            f"{root}: expected a pipeline in dvc.yaml, dvc.lock and .dvc/config, but DVC cannot read it: "
            f"{str(error)[:1000] or type(error).__name__}. Mend what is named, or restore it: git checkout dvc.yaml "
            "dvc.lock .dvc/config"
        ) from error
    absent = Counter(stage.partition("@")[0] for stage, item in items if not (item.hash_info or item.IS_DEPENDENCY))
    unrecorded = tuple(f"outputs of '{name}' ({count}), not made yet" for name, count in absent.items())
    return Tracked(entries, unrecorded, cache)


def folder_hash(algorithm: str, hashes: dict[PurePosixPath, str]) -> str:
    """Compute DVC's hash of a folder from the hashes of its files."""
    tree = Tree.from_list([{"md5": value, "relpath": str(name)} for name, value in hashes.items()], algorithm)
    return f"{hashlib.md5(tree.as_bytes(), usedforsecurity=False).hexdigest()}.dir"


def _entry(stage: str, item: Output, kept_by_git: Callable[[str], bool]) -> Entry:
    path = Path(item.fs_path)
    cache = item.cache if item.use_cache else item.local_cache
    files = ()
    if item.hash_info.isdir and path.is_dir():
        found = item.dvcignore.find(item.fs, item.fs_path)
        files = tuple(sorted(PurePosixPath(Path(name).relative_to(path)) for name in found))
    return Entry(
        path=path,
        stage=stage,
        algorithm=item.hash_info.name,
        value=item.hash_info.value,
        is_output=not item.IS_DEPENDENCY,
        is_source=path.suffix == ".py" or kept_by_git(item.fs_path),
        files=files,
        recorded=_recorded(item, cache) if item.hash_info.isdir else None,
        cache=Path(cache.path) if item.use_cache else None,
    )


def _recorded(item: Output, cache: HashFileDB) -> dict[PurePosixPath, str] | None:
    # The cached list itself may be damaged.
    try:
        tree = Tree.load(cache, item.hash_info)
        found = {PurePosixPath(*key): info.value for key, _, info in tree if info and info.value}
        return found if folder_hash(item.hash_info.name, found) == item.hash_info.value else None
    except (OSError, ObjectFormatError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
