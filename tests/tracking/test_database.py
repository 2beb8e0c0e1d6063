"""Databases of real MLflow: made whole, replaced where they cannot be used, left alone where they are not ours."""

import contextlib
import shutil
import sqlite3
import time

import pytest

from pipeline.tracking.database import prepare
from pipeline.tracking.loading import blank_database, load_mlflow
from pipeline.tracking.store import Store
from support.mlflow_runs import EXPERIMENT, deliver, runs


@pytest.fixture
def root(tmp_path):
    """A folder of its own, as MLflow looks at the tables of each database once in a process."""
    load_mlflow(f"sqlite:///{tmp_path}/mlflow.db")
    (tmp_path / "mlflow.db").write_bytes(blank_database())
    return tmp_path


def execute(database, *statements):
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        return [connection.execute(statement).fetchall() for statement in statements][-1]


def unfinished(database):
    """As MLflow leaves it when it is killed between two migrations: the next start finds an index that exists."""
    execute(database, "DELETE FROM alembic_version", "INSERT INTO alembic_version VALUES ('451aebb31d03')")
    execute(database, "DROP TABLE webhooks")


def test_a_database_appears_whole(tmp_path, monkeypatch):
    blank_database()
    seen = []

    def write(path, content):
        seen.append(sorted(p.name for p in tmp_path.iterdir()))
        path.write_bytes(content)

    monkeypatch.setattr("pipeline.tracking.database.write_bytes", write)
    (tmp_path / "mlflow.db-wal").write_bytes(b"pages of a database that was removed")
    assert prepare(tmp_path / "mlflow.db") == ""
    assert seen == [[]]
    assert execute(tmp_path / "mlflow.db", "SELECT count(*) FROM runs") == [(0,)]
    deliver(tmp_path, {1: {"total": 1.0}})
    assert len(runs(tmp_path)) == 1


@pytest.mark.parametrize("content", [b"", None])
def test_a_blank_file_becomes_a_database(tmp_path, content):
    if content is None:
        execute(tmp_path / "mlflow.db", "PRAGMA journal_mode=WAL", "CREATE TABLE x (y)", "DROP TABLE x")
    else:
        (tmp_path / "mlflow.db").write_bytes(content)
    assert prepare(tmp_path / "mlflow.db") == ""
    assert execute(tmp_path / "mlflow.db", "SELECT count(*) FROM runs") == [(0,)]


def test_an_unfinished_database_is_kept_aside_and_replaced(root):
    unfinished(root / "mlflow.db")
    store = Store(root, EXPERIMENT)
    assert "mlflow.db.unusable" in store.note and "semagic sync" in store.note
    assert execute(root / "mlflow.db.unusable", "SELECT name FROM sqlite_master WHERE name = 'experiments'")
    assert deliver(root, {1: {"total": 1.0}}).note == ""
    assert [run.info.status for run in runs(root)] == ["FINISHED"]


def test_an_outdated_database_with_runs_is_left_to_the_user(root):
    deliver(root, {})
    elsewhere = root / "elsewhere" / "mlflow.db"
    elsewhere.parent.mkdir()
    shutil.copy(root / "mlflow.db", elsewhere)
    execute(elsewhere, "UPDATE alembic_version SET version_num = '451aebb31d03'")
    with pytest.raises(Exception, match="mlflow db upgrade"):
        Store(elsewhere.parent, EXPERIMENT)
    assert execute(elsewhere, "SELECT count(*) FROM runs") == [(2,)]


def test_a_database_of_somebody_else_is_left_alone(root, monkeypatch):
    other = root / "other.db"
    execute(other, "CREATE TABLE mine (x)", "CREATE TABLE metrics (mine)")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///other.db")
    with pytest.raises(Exception, match="metric"):
        Store(root, EXPERIMENT)
    assert not (root / "other.db.unusable").exists()
    assert execute(other, "SELECT count(*) FROM mine") == [(0,)]


def test_a_file_that_is_no_database_is_left_alone_unless_it_has_the_name_of_one(tmp_path):
    for name in ("thesis.txt", "mlflow.db"):
        (tmp_path / name).write_bytes(b"Once upon a time" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        prepare(tmp_path / "thesis.txt")
    assert "mlflow.db.unusable" in prepare(tmp_path / "mlflow.db")
    assert (tmp_path / "mlflow.db.unusable").read_bytes().startswith(b"Once upon")
    (tmp_path / "mlflow.db").write_bytes(b"Once more" * 100)
    assert "mlflow.db.unusable-2" in prepare(tmp_path / "mlflow.db")


def test_damage_inside_is_found_after_an_error(root):
    path = root / "mlflow.db"
    deliver(root, {step: {"total": 1.0} for step in range(5)})
    # Without this, what is in the log of changes would be read instead of the damaged page.
    execute(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    ((page,),) = execute(path, "SELECT rootpage FROM sqlite_master WHERE name = 'metrics'")
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 : page * 4096] = b"\xff" * 4096
    path.write_bytes(content)
    assert prepare(path) == ""
    assert "found damage" in prepare(path, thorough=True)
    deliver(root, {})
    assert [run.info.status for run in runs(root)] == ["FINISHED"]


def test_a_locked_database_fails_soon(root, monkeypatch):
    monkeypatch.setattr("pipeline.tracking.database.BUSY_SECONDS", 0.1)
    with contextlib.closing(sqlite3.connect(root / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        begin = time.monotonic()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            Store(root, EXPERIMENT)
        assert time.monotonic() - begin < 30
    assert Store(root, EXPERIMENT).note == ""


@pytest.mark.parametrize("place", ["file/mlflow.db", "folder"])
def test_a_path_that_cannot_be_written_fails_at_once(tmp_path, monkeypatch, place):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{place}")
    begin = time.monotonic()
    with pytest.raises((OSError, sqlite3.OperationalError)):
        Store(tmp_path, EXPERIMENT)
    assert time.monotonic() - begin < 30
