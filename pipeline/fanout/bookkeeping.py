"""DVC's part of a stage: whether it has to run, what is kept of it in the cache, and its entry in `dvc.lock`.

The steps are those of `dvc repro`, apart from the commands, which may run anywhere. All stages of a run share one index
of the repository, which takes seconds to load.
"""

import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dvc.dvcfile import LOCK_FILE
from dvc.env import DVC_ROOT, DVC_STAGE
from dvc.lock import LockError
from dvc.repo import Repo
from dvc.rwlock import rwlock
from dvc.stage import PipelineStage, Stage
from dvc.stage.cache import RunCacheNotFoundError

from pipeline.fanout.dvc_files import LockFile
from pipeline.fanout.work import Work


class Bookkeeper:
    """Thread-safe keeper of the records of a run's stages.

    DVC's lock is held during the steps alone, so that other DVC commands can run beside the stages. From `begin` to
    `finish` or `give_up`, DVC knows which files a stage uses, and keeps other processes from changing them.

    Args:
        repo: repository of the stages.
        stages: stages by their DVC names.
    """

    def __init__(self, repo: Repo, stages: Mapping[str, Stage]) -> None:
        self._repo, self._stages = repo, stages
        self._lock_files: dict[Path, LockFile] = {}
        self._lock = threading.Lock()
        self._used: dict[str, ExitStack] = {}

    def begin(self, name: str) -> Work:
        """Find out what has to be done for a stage, after everything that it needs is done.

        A stage whose outputs are in the cache is restored from there.

        Raises:
            dvc.exceptions.DvcException: a file that it needs is missing, or another process uses one of its files.
        """
        stage = self._stages[name]
        with self._locked():
            if not stage.changed():
                return Work(how="It is up to date.")
            if not stage.cmd or stage.frozen:
                stage.reproduce()
                self._write(stage)
                return Work(how="It has no command to be run.")
            self._used[name] = self._use(stage)
            try:
                stage.remove_outs(ignore_remove=False, force=False)
                if self._restore(stage):
                    self._record(stage)
                    self._used.pop(name).close()
                    return Work(how="Its outputs were in the cache.")
            except BaseException:
                self._used.pop(name).close()
                raise
        return Work(
            tuple(stage.cmd.splitlines() if isinstance(stage.cmd, str) else stage.cmd),
            stage.wdir,
            {DVC_ROOT: self._repo.root_dir, DVC_STAGE: name},
            tuple(one.fs_path for one in stage.deps),
            tuple(one.fs_path for one in stage.outs),
            any(one.persist for one in stage.outs),
            "It has to run.",
        )

    def finish(self, name: str) -> None:
        """Record a stage whose commands have run, and put its outputs into the cache.

        Raises:
            dvc.exceptions.DvcException: one of its outputs is missing.
        """
        with self._locked(), self._used.pop(name):
            self._record(self._stages[name])

    def give_up(self, name: str) -> None:
        """Forget a stage whose commands have failed. What they have written stays."""
        with self._locked():
            self._used.pop(name).close()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock:
            while True:
                try:
                    self._repo.lock.lock()
                except LockError:
                    # A DVC command in another terminal has it for longer than DVC waits.
                    continue
                break
            try:
                yield
            finally:
                self._repo.lock.unlock()

    def _use(self, stage: Stage) -> ExitStack:
        """Tell DVC which files are in use, until the result is closed."""
        repo, stack = self._repo, ExitStack()
        read, written = ([one.fs_path for one in some] for some in (stage.deps, stage.outs))
        # The same words as in DVC's own steps, which would else find the files in use by another.
        command = " ".join(sys.argv)
        hardlink = repo.config["core"].get("hardlink_lock", False)
        stack.enter_context(rwlock(repo.tmp_dir, repo.fs, command, read, written, hardlink))
        return stack

    def _restore(self, stage: Stage) -> bool:
        try:
            self._repo.stage_cache.restore(stage)
        except RunCacheNotFoundError:
            stage.save_deps()
            return False
        return True

    def _record(self, stage: Stage) -> None:
        # As in `Stage.run`: a stage with outputs outside the cache cannot be restored from there.
        uncached = any(not out.use_cache for out in stage.outs if not (out.is_metric or out.is_plot))
        with self._repo.scm_context(quiet=True):
            stage.save(run_cache=not uncached)
            stage.commit()
            self._write(stage)

    def _write(self, stage: Stage) -> None:
        if not isinstance(stage, PipelineStage):
            stage.dump(update_pipeline=False)
            return
        path = Path(stage.path).with_name(LOCK_FILE)
        self._lock_files.setdefault(path, LockFile(path)).record(stage)
