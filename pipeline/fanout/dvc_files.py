"""DVC's own files, which it overwrites in place: a process that is killed meanwhile leaves a part of one.

`dvc.lock` has the hash of every output, `.dvc/tmp/rwlock` says which process uses which file. DVC stops at a part of
either, in every later run. All functions need the repository's lock.
"""

import json
import re
from pathlib import Path

from dvc.dvcfile import LOCK_FILE, Lockfile
from dvc.exceptions import DvcException
from dvc.lock import make_lock
from dvc.repo import Repo
from dvc.rwlock import RWLOCK_FILE, RWLOCK_LOCK
from dvc.stage import PipelineStage
from dvc.stage.serialize import to_lockfile
from dvc.utils.serialize import ParseError, dumps_yaml, loads_yaml
from dvc.utils.strictyaml import YAMLValidationError

from pipeline.base.files import write_bytes

HEAD = "schema: '2.0'\nstages:\n"
"""Beginning of `dvc.lock`."""


class LockFile:
    """The entries of `dvc.lock`, as DVC writes them, but each by itself: DVC reads and writes all of them for each one.

    The file is replaced in one step, so that a kill does not tear it.

    Args:
        path: path of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._blocks: dict[str, str] | None = {}
        self._written: tuple[int, ...] | None = None

    def record(self, stage: PipelineStage) -> None:
        """Write the entry of a stage."""
        if self._signature() != self._written:
            self._blocks = self._read()
        if self._blocks is None:
            # Somebody has written it in another form, which DVC understands.
            Lockfile(stage.repo, str(self._path)).dump(stage)
        else:
            block = dumps_yaml({"stages": to_lockfile(stage)}).removeprefix("stages:\n")
            if self._blocks.get(stage.name) == block and self._path.exists():
                return
            self._blocks[stage.name] = block
            write_bytes(self._path, (HEAD + "".join(self._blocks.values())).encode())
        self._written = self._signature()
        stage.repo.scm_context.track_file(str(self._path))

    def _read(self) -> dict[str, str] | None:
        """The text of each entry; None where the file is not as DVC writes it."""
        if not self._path.exists():
            return {}
        head, stages, text = self._path.read_text(encoding="utf-8").partition("stages:\n")
        blocks = re.findall(r"^(  \S.*:)\n((?:    .*\n|\n)*)", text, re.MULTILINE)
        if head + stages != HEAD or "".join(f"{name}\n{body}" for name, body in blocks) != text:
            return None
        return {next(iter(loads_yaml(name))): f"{name}\n{body}" for name, body in blocks}

    def _signature(self) -> tuple[int, ...] | None:
        if not self._path.exists():
            return None
        state = self._path.stat()
        return state.st_ino, state.st_mtime_ns, state.st_size


def remove_torn_users(repo: Repo) -> None:
    """Remove the list of the files in use if only a part of it is there."""
    users = Path(repo.tmp_dir) / RWLOCK_FILE
    hardlink = repo.config["core"]["hardlink_lock"]
    with make_lock(str(users.with_name(RWLOCK_LOCK)), tmp_dir=repo.tmp_dir, hardlink_lock=hardlink):
        try:
            json.loads(users.read_text(encoding="utf-8"))
        except FileNotFoundError:
            pass
        except ValueError:
            print(f"{users}: only a part of it is there, as after a kill. It is removed.")
            users.unlink()


def keep_lock(repo: Repo) -> None:
    """Copy `dvc.lock`, which DVC has just read."""
    if _lock(repo).is_file():
        write_bytes(_copy(repo), _lock(repo).read_bytes())


def restore_lock(repo: Repo, error: DvcException) -> None:
    """Put the last copy of `dvc.lock` in its place, or remove it where there is none.

    A stage that has run since is not recorded in the copy: DVC finds its outputs in the run cache, or runs it again.

    Args:
        error: what DVC said. It is raised if it is about anything else.
    """
    if not isinstance(error, ParseError | YAMLValidationError) or Path(error.path).name != LOCK_FILE:
        raise error
    copy = _copy(repo)
    found = copy.is_file()
    print(f"{error}\n{_lock(repo)}: {'its last copy takes its place' if found else 'it is removed, to be made again'}.")
    if found:
        # Moved, not copied: if the copy is damaged too, the next call removes it.
        copy.replace(_lock(repo))
    else:
        _lock(repo).unlink()


def _lock(repo: Repo) -> Path:
    return Path(repo.root_dir) / LOCK_FILE


def _copy(repo: Repo) -> Path:
    return Path(repo.tmp_dir) / f"{LOCK_FILE}.whole"
