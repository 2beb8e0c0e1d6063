"""MLflow itself, which takes seconds to import: loaded at one place, and kept from printing and from waiting."""

import functools
import logging
import os
import sqlite3
import warnings

from pipeline.tracking.address import database_of

SETTINGS = {
    # MLflow's own limits add up to minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "3",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""Environment variables of MLflow, where the user has set no others."""
POOL = "MLFLOW_SQLALCHEMYSTORE_POOLCLASS"
"""Environment variable of MLflow that says how connections to a database are kept."""
LOGGERS = ("mlflow", "alembic", "sqlalchemy", "urllib3")
"""Loggers that would print addresses with passwords."""


def load_mlflow(address: str) -> type:
    """Import what a store needs, and make the tables for a database that is missing. No store is touched.

    Returns:
        MLflow's client.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    from mlflow.tracking import MlflowClient

    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    database = database_of(address)
    if database:
        if not database.exists():
            blank_database()
        # A connection that is kept would go on with a file that has been replaced.
        os.environ.setdefault(POOL, "NullPool")
    return MlflowClient


@functools.cache
def blank_database() -> bytes:
    """Make the content of a database file with all tables of MLflow and no runs."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    # A database in memory lives as long as its connection, which is kept for its thread unless this variable is set.
    pool = os.environ.pop(POOL, None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            store = SqlAlchemyStore("sqlite:///:memory:", "mlruns")
    finally:
        if pool is not None:
            os.environ[POOL] = pool
    connection = store.engine.raw_connection()
    try:
        assert isinstance(connection.driver_connection, sqlite3.Connection)
        return connection.driver_connection.serialize()
    finally:
        connection.close()
