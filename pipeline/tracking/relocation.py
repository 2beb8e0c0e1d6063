"""The artifacts of a checkout that was moved or copied together with its database.

MLflow keeps the absolute folder of each experiment's and each run's artifacts. Without a correction, a copy of a
checkout would go on writing into the original.
"""

import contextlib
import sqlite3
from pathlib import Path
from urllib.parse import quote

from pipeline.tracking.database import BUSY_SECONDS


def artifact_folder(database: Path, experiment: str) -> Path:
    """Folder of the artifacts of an experiment: beside the database."""
    return database.resolve().parent / "mlruns" / experiment


def relocate(database: Path, experiment: str) -> None:
    """Point an experiment to the artifacts beside its database, and its runs to those that are there.

    A run whose artifacts did not come along keeps its old address, so that MLflow still shows them from there. So does
    an experiment whose artifacts the user has put elsewhere. Call it under the lock.

    Raises:
        sqlite3.Error: the database cannot be changed.
    """
    folder = artifact_folder(database, experiment)
    with contextlib.closing(sqlite3.connect(database, timeout=BUSY_SECONDS)) as connection, connection:
        query = "SELECT experiment_id, artifact_location FROM experiments WHERE name = ?"
        number, old = connection.execute(query, (experiment,)).fetchone() or ("", "")
        if old == folder.as_uri() or not old.startswith("file:") or not old.endswith(f"/mlruns/{quote(experiment)}"):
            return
        connection.execute(
            "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", (folder.as_uri(), number)
        )
        query = "SELECT run_uuid, artifact_uri FROM runs WHERE experiment_id = ?"
        runs = connection.execute(query, (number,)).fetchall()
        connection.executemany(
            "UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?",
            [
                (f"{folder.as_uri()}/{run}/artifacts", run)
                for run, address in runs
                if address.startswith(f"{old}/") and (folder / run).is_dir()
            ],
        )
