"""The sqlite file of MLflow runs: made whole or not at all, and replaced where it cannot be used.

MLflow makes its tables in dozens of steps. A process that is killed between them leaves a file that no process can open
again, so the tables are made in memory here, and written to the disk as one file.
"""

import contextlib
import fcntl
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from pipeline.base.files import make_folder, sync_folder, write_bytes
from pipeline.tracking.loading import blank_database

BUSY_SECONDS = 5.0
"""Seconds to wait for another process that writes."""
COMPANIONS = ("-wal", "-shm", "-journal")
"""Suffixes of the files that sqlite keeps beside a database in use."""
DEFAULT_NAME = "mlflow.db"
"""A file of this name is MLflow's even if its first bytes are damaged."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of the store of a folder, so that processes that start together make each thing in it once."""
    make_folder(folder)
    with (folder / ".mlflow.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def prepare(database: Path, thorough: bool = False) -> str:
    """Make a database that can be used: a missing one is created, a damaged one is moved aside and replaced.

    Call it under the lock. It does not look whether all tables of MLflow are there, which MLflow does.

    Args:
        thorough: read the whole file, which finds damage inside it too.

    Returns:
        A sentence on what was replaced, or an empty text.

    Raises:
        sqlite3.Error: the database is locked, or cannot be read or written.
        OSError: it cannot be created.
    """
    if not database.exists():
        _create(database)
        return ""
    try:
        with _connect(database) as connection:
            damage = connection.execute("PRAGMA quick_check(1)").fetchone()[0] if thorough else "ok"
            blank = not _tables(connection)
            if damage == "ok" and not blank:
                # Fails at once where MLflow would try again for minutes: a lock that is held, a disk that is read-only.
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
                with contextlib.suppress(sqlite3.OperationalError):
                    connection.execute("PRAGMA journal_mode=WAL")
                return ""
    except sqlite3.DatabaseError as error:
        if not _is_damage(error, database):
            raise
        damage, blank = str(error), False
    if blank:
        _create(database)
        return ""
    return replace(database, f"damage ({damage.splitlines()[-1].strip()})")


def is_expendable(database: Path) -> bool:
    """Whether a database is MLflow's and has no runs, so that nothing is lost if it is replaced."""
    with _connect(database) as connection:
        tables = _tables(connection)
        if not tables & {"alembic_version", "experiments"}:
            return False
        return "runs" not in tables or connection.execute("SELECT 1 FROM runs LIMIT 1").fetchone() is None


def replace(database: Path, why: str) -> str:
    """Move a database that cannot be used aside, and create one in its place. Call it under the lock.

    Args:
        why: what was found, for the sentence that is returned.
    """
    aside = _move_aside(database)
    _create(database)
    return (
        f"{database}: found {why}. It is kept as {aside.name}, and an empty database takes its place. `semagic sync` "
        "records again what there are files of."
    )


def _is_damage(error: sqlite3.DatabaseError, database: Path) -> bool:
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    # What does not begin as a database may be a file of another kind, which an address names by mistake.
    return code == sqlite3.SQLITE_CORRUPT or (code == sqlite3.SQLITE_NOTADB and database.name == DEFAULT_NAME)


def _move_aside(database: Path) -> Path:
    names = (f"{database.name}.unusable{suffix}" for suffix in ("", *(f"-{i}" for i in range(2, 1000))))
    aside = next(place for name in names if not (place := database.with_name(name)).exists())
    for suffix in COMPANIONS:
        with contextlib.suppress(FileNotFoundError):
            database.with_name(database.name + suffix).rename(aside.with_name(aside.name + suffix))
    database.rename(aside)
    sync_folder(database.parent)
    return aside


def _create(database: Path) -> None:
    """Write a database with all tables of MLflow and no runs, in one step."""
    # Pages of a database that is gone, which sqlite would put into the one that takes its name.
    for suffix in COMPANIONS:
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    write_bytes(database, blank_database())


@contextlib.contextmanager
def _connect(database: Path) -> Iterator[sqlite3.Connection]:
    # In read-write mode, as the default mode creates a file that is missing.
    address = f"{database.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(address, timeout=BUSY_SECONDS, isolation_level=None, uri=True)
    with contextlib.closing(connection):
        yield connection


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
