"""The commit of a run is that of the code that ran."""

import os
import subprocess

import pytest

from pipeline.tracking.provenance import provenance


def git(folder, *arguments):
    identity = ("-c", "user.name=A", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder, content):
    for name in ("code.py", "dvc.lock", "reports/table1.md"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    git(folder, "add", "--force", ".")
    git(folder, "commit", "-qm", content)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    # The tests may be run by a hook of git, which sets these.
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    git(tmp_path, "init", "-q")
    (tmp_path / ".gitignore").write_text(".dvc/\n")
    commit(tmp_path, "first")
    return tmp_path


def test_a_checkout(checkout):
    head = git(checkout, "rev-parse", "HEAD")
    assert provenance(checkout) == {"git.commit": head, "dvc.exp": "workspace", "dvc.baseline": head}
    # What a run itself writes is no change, nor is a file that git does not know.
    for name in ("dvc.lock", "reports/table1.md", "untracked.py"):
        (checkout / name).write_text("second")
    assert provenance(checkout)["git.commit"] == head
    (checkout / "code.py").write_text("second")
    assert provenance(checkout)["git.commit"] == f"{head}-dirty"
    inner = checkout / "build"
    inner.mkdir()
    assert provenance(inner)["git.commit"] == f"{head}-dirty"


def test_an_experiment_of_dvc_has_the_commit_of_its_own_workspace(checkout, monkeypatch):
    head = git(checkout, "rev-parse", "HEAD")
    workspace = checkout / ".dvc" / "tmp" / "exps" / "tmpabc"
    git(checkout, "clone", "-q", ".", str(workspace))
    assert commit(checkout, "later") != head
    (checkout / "code.py").write_text("unfinished work")
    monkeypatch.setenv("DVC_ROOT", str(checkout))
    monkeypatch.setenv("DVC_EXP_NAME", "warm-bath")
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", head)
    assert provenance(workspace) == {"git.commit": head, "dvc.exp": "warm-bath", "dvc.baseline": head}
    (workspace / "code.py").write_text("queued change")
    assert provenance(workspace)["git.commit"] == f"{head}-dirty"


def test_a_change_within_a_second_and_of_the_same_size_is_seen(checkout):
    head = git(checkout, "rev-parse", "HEAD")
    path = checkout / "code.py"
    now = path.stat()
    # As git keeps whole seconds, and as if the index were written later than the file.
    git(checkout, "config", "core.trustctime", "false")
    path.write_text("FIRST")
    os.utime(path, ns=(now.st_atime_ns, now.st_mtime_ns))
    os.utime(checkout / ".git" / "index", (now.st_mtime + 10, now.st_mtime + 10))
    assert git(checkout, "status", "--porcelain") == ""
    assert provenance(checkout)["git.commit"] == f"{head}-dirty"
    path.write_text("first")
    assert provenance(checkout)["git.commit"] == head


def test_no_repository_and_no_git(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance(tmp_path)["git.commit"] == "none"
    monkeypatch.setenv("PATH", "")
    assert provenance(tmp_path)["git.commit"] == "none"
