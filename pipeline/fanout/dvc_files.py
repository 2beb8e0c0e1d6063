"""DVC's own files, which it overwrites in place: a process that is killed meanwhile leaves a part of one.

`dvc.lock` has the hash of every output, `.dvc/tmp/rwlock` says which process uses which file. DVC stops at a part of
either, in every later run. All functions need the repository's lock.
"""

import json
from pathlib import Path

from dvc.dvcfile import LOCK_FILE
from dvc.exceptions import DvcException
from dvc.lock import make_lock
from dvc.repo import Repo
from dvc.rwlock import RWLOCK_FILE, RWLOCK_LOCK
from dvc.utils.serialize import ParseError
from dvc.utils.strictyaml import YAMLValidationError

from pipeline.base.files import write_bytes


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
