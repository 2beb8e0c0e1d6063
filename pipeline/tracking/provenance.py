"""Tags that identify the code of a run."""

import contextlib
import os
import subprocess
import tempfile
from pathlib import Path


def provenance(root: Path) -> dict[str, str]:
    """Make the tags for a run in `root`: git commit (with -dirty), DVC experiment and its baseline.

    Inside a temporary workspace of DVC, which is a git repository of its own, the commit is the one that the experiment
    was made from, whatever the user's checkout contains by then.
    """
    commit = _git(root, "rev-parse", "HEAD") or "none"
    return {
        "git.commit": f"{commit}-dirty" if _is_changed(root) else commit,
        "dvc.exp": os.environ.get("DVC_EXP_NAME") or "workspace",
        "dvc.baseline": os.environ.get("DVC_EXP_BASELINE_REV") or commit,
    }


def _is_changed(root: Path) -> bool:
    """Whether files differ from the commit, those apart that a run itself rewrites."""
    status = ("--no-optional-locks", "status", "--porcelain", "--untracked-files=no")
    files = ("--", ":/", ":!dvc.lock", ":!reports")
    if _git(root, *status, *files):
        return True
    # Git takes a file for unchanged that is rewritten with the same size within a second, and DVC makes the workspace
    # of an experiment that fast. A fresh index knows no times, so that the content is compared.
    with contextlib.suppress(OSError), tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "index"
        _git(root, "read-tree", "HEAD", index=index)
        return index.is_file() and _git(root, *status, *files, index=index) != ""
    return False


def _git(root: Path, *arguments: str, index: Path | None = None) -> str:
    environment = {**os.environ, "GIT_INDEX_FILE": str(index)} if index else None
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
