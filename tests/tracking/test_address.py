"""Where the runs go: never into a folder that DVC throws away."""

from pathlib import Path

import pytest

from pipeline.tracking.address import database_of, repository_root, tracking_address


def test_store_lies_in_the_repository_not_in_a_workspace_of_dvc(tmp_path, monkeypatch):
    assert repository_root(tmp_path) == tmp_path
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "clone"))
    assert repository_root(tmp_path) == tmp_path / "clone"
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "clone" / ".dvc" / "tmp" / "exps" / "tmpabc"))
    assert repository_root(tmp_path) == tmp_path / "clone"


@pytest.mark.parametrize(
    ("address", "resolved"),
    [
        ("", "sqlite:///{root}/mlflow.db"),
        ("sqlite:///runs/a b.db", "sqlite:///{root}/runs/a b.db"),
        ("sqlite:///runs.db?timeout=9", "sqlite:///{root}/runs.db?timeout=9"),
        ("sqlite+pysqlite:///runs.db", "sqlite+pysqlite:///{root}/runs.db"),
        ("sqlite:////data/runs.db", "sqlite:////data/runs.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite:///file:/data/runs.db?mode=ro&uri=true", "sqlite:///file:/data/runs.db?mode=ro&uri=true"),
        ("file:mlruns", "file://{root}/mlruns"),
        ("file:///data/mlruns", "file:///data/mlruns"),
        ("./mlruns", "{root}/mlruns"),
        ("/data/mlruns", "/data/mlruns"),
        ("https://me:secret@host/mlflow?token=x", "https://me:secret@host/mlflow?token=x"),
        ("postgresql+psycopg2://me@host/db", "postgresql+psycopg2://me@host/db"),
        ("databricks", "databricks"),
        ("databricks://profile", "databricks://profile"),
    ],
)
def test_relative_paths_start_at_the_repository(tmp_path, monkeypatch, address, resolved):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    workspace = tmp_path / ".dvc" / "tmp" / "exps" / "tmpabc"
    workspace.mkdir(parents=True)
    monkeypatch.chdir(workspace)
    assert tracking_address(Path()) == resolved.format(root=tmp_path)


def test_only_a_file_of_sqlite_is_a_database():
    assert database_of("sqlite:////data/runs.db?timeout=9") == Path("/data/runs.db")
    for address in ("http://host", "sqlite:///:memory:", "sqlite:///file:/a?uri=true", "/data/mlruns", "file:///a"):
        assert database_of(address) is None
