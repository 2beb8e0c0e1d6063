"""Inputs and outputs of DVC's stages as dvc.lock records them: the part of the verification that asks DVC."""

import functools
import hashlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from dvc.dependency.param import ParamsDependency
from dvc.exceptions import DvcException
from dvc.output import Output
from dvc.repo import Repo
from dvc_data.hashfile.db import HashFileDB
from dvc_data.hashfile.tree import Tree
from dvc_objects.errors import ObjectFormatError
from scmrepo.noscm import NoSCM

from pipeline.base.errors import InputError


class Entry(NamedTuple):
    """An input or output of a stage, as recorded when the stage ran."""

    path: Path
    stage: str
    algorithm: str
    value: str
    """Hash; of a folder it ends in '.dir'."""
    is_output: bool
    is_source: bool
    """Whether git keeps it too: then a change of it is meant."""
    files: tuple[PurePosixPath, ...]
    """What a folder holds now; DVC's ignored files are left out."""
    recorded: dict[PurePosixPath, str] | None
    """Hash of each file of a folder; None for a file, and where DVC's cache does not say."""
    cache: Path | None
    """Folder of DVC's copies, by hash; None for what DVC does not copy."""

    @property
    def is_folder(self) -> bool:
        return self.value.endswith(".dir")


class Tracked(NamedTuple):
    """All of dvc.yaml."""

    entries: tuple[Entry, ...]
    unrecorded: tuple[str, ...]
    """What there is of outputs that no run has recorded."""


def read_tracked(root: Path) -> Tracked:
    """What the stages of dvc.yaml read and wrote; parameters are values, not files, and are left to `dvc status`.

    Raises:
        InputError: DVC cannot read dvc.yaml or dvc.lock.
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
    except DvcException as error:
        raise InputError(
            f"{root / 'dvc.yaml'}: DVC cannot read the pipeline: {error}. `dvc status` says more."
        ) from error
    absent = Counter(stage.partition("@")[0] for stage, item in items if not (item.hash_info or item.IS_DEPENDENCY))
    return Tracked(entries, tuple(f"outputs of '{name}' ({count}), not made yet" for name, count in absent.items()))


def folder_hash(algorithm: str, hashes: dict[PurePosixPath, str]) -> str:
    """DVC's hash of a folder of files."""
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
    try:
        tree = Tree.load(cache, item.hash_info)
    except (FileNotFoundError, ObjectFormatError):
        return None
    found = {PurePosixPath(*key): info.value for key, _, info in tree}
    # The list itself may be damaged.
    return found if folder_hash(item.hash_info.name, found) == item.hash_info.value else None
